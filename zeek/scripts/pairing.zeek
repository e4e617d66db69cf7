##! Requests and responses brought together.
##!
##! Everything here sits behind two hooks: `request_seen` for a request as it comes in, and
##! `transaction_done` for a request with its response, or either alone. Requests wait in the state of
##! their connection. Halves that are flows of their own (UDP to the broadcast address, answers to
##! another port) meet in tables that are bounded and let go of what is older than `request_timeout`.

@load base/protocols/conn/removal-hooks
@load ./types
@load ./consts
@load ./info

module MELSEC;

export {
	## Raised for the values of a PDU, right before the PDU itself.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## text: Words in hexadecimal with a space between them, or bits.
	global values: event(c: connection, is_orig: bool, text: string);

	## Raised for what a PDU says that few need to know, right before the PDU itself. Not every PDU has any.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## particulars: What it says; in place of secrets their digests.
	global particulars: event(c: connection, is_orig: bool, particulars: Particulars);

	## Raised for each request PDU.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## pdu: The PDU.
	global request: event(c: connection, is_orig: bool, pdu: PDU);

	## Raised for each response PDU.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## pdu: The PDU.
	global response: event(c: connection, is_orig: bool, pdu: PDU);

	## Runs for each request once it is believed, before its response is known.
	global request_seen: hook(transaction: Info);

	## Runs for each transaction once it is complete, or known to stay incomplete.
	global transaction_done: hook(transaction: Info);

	## Something that happens besides operations.
	type Happening: record {
		## What: an event of the definition.
		name: string;
		## When.
		ts: time;
		## Connection.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## The client.
		client: addr;
		## The controller.
		server: addr;
		## The operation that it came with, or what it was.
		what: string;
	};

	## Runs when something happens besides operations: a response that nobody asked for, a frame that contradicts itself.
	global happened: hook(happening: Happening);

	## Runs when somebody is first seen to answer in a protocol on a connection.
	##
	## c: The connection.
	## is_orig: Whether that is whom Zeek takes for the originator.
	## protocol: The protocol.
	global answering: hook(c: connection, is_orig: bool, protocol: string);

	## Ends the wait of a connection's requests when it goes.
	global finalize_melsec: Conn::RemovalHook;

	## Ports of the site's own on which even frames that prove nothing alone are believed at once: 1E has neither a
	## length nor a mark. Elsewhere its requests are believed once one of them was answered as its layout demands.
	const trusted_ports: set[port] = {} &redef;

	## Broadcast requests that may wait for answers, over all clients.
	option max_broadcast_requests = 4096;

	## UDP flows of one client and one server among which the request to a response on another port is looked for.
	option max_flows_per_pair = 64;

	## Requests of one connection that are remembered as unanswered, to tell a late response from one to nothing.
	option max_expired_requests = 16;

	## Interval in which one connection reports the same oddity once.
	option weird_interval = 5min;
}

# State of a connection.
type State: record {
	# Requests that wait, the oldest first.
	pending: vector of Info &default=vector();
	# Requests that waited in vain.
	expired: vector of Info &default=vector();
	# The last transaction that a response completed.
	last: Info &optional;
	# Over UDP, where exchanges may go to a group address, and a short frame fills its datagram.
	datagrams: bool;
	# The responder is a group address: it stands for whoever receives.
	group: bool;
	# Time of the last datagram, for recognising copies; absent where that was one.
	last_datagram: time &optional;
	# Time of the last datagram, a copy or not.
	latest: time &optional;
	# A PDU that proves the protocol was seen.
	proven: bool;
	# The same for frames without a length.
	proven_bare: bool;
	# A look at the waiting requests is scheduled.
	watched: bool &default=F;
	# The place of this flow among those of its pair.
	pair_client: addr &optional;
	pair_server: addr &optional;
	pair_place: count &optional;
	# Values of the PDU that comes next.
	values: string &optional;
	# What else the PDU that comes next says.
	more: Particulars &optional;
	# The first PDU was a request.
	asked_first: bool &optional;
	# When octets were last missed.
	holed: time &optional;
	# When the last transaction was completed.
	answered: time &optional;
	# The sides that have said something.
	orig_spoke: bool &default=F;
	resp_spoke: bool &default=F;
	# The protocols in which the sides have answered last.
	orig_answers: string &default="";
	resp_answers: string &default="";
	# When a kind of oddity was last reported.
	reported: table[string] of time &default=table();
};

redef record connection += {
	melsec: State &optional;
};

# UDP flows of a client and a server in the order in which they began: FX5 CPUs answer to the port that their
# settings name, which makes the response a flow of its own.
type Flows: record {
	states: table[count] of State &default=table();
	head: count &default=0;
	tail: count &default=0;
};

global flows: table[addr, addr] of Flows = table();

# Requests to group addresses by running number, the oldest first. They stay when they have been answered: others may
# answer as well. Answers to a group address have nothing but the client's port in common with their request.
global broadcasts: table[count] of Info = table();
global broadcasts_head = 0;
global broadcasts_tail = 0;
global broadcasts_by_port: table[port] of vector of count = table();
global broadcasts_by_client: table[addr] of vector of count = table();

const multicast = { 224.0.0.0/4, [ff00::]/8 };

# The events of the definition that kinds of responses are.
const kind_events: table[string] of string = {
	["conflicting"] = "conflicting-response",
	["unasked"] = "unsolicited-response",
};

function is_group(a: addr): bool
	{
	return a == 255.255.255.255 || a in multicast || ( is_v4_addr(a) && addr_to_counts(a)[0] & 0xff == 0xff );
	}

function state_of(c: connection): State
	{
	if ( ! c?$melsec )
		{
		local id = c$id;
		local datagrams = get_port_transport_proto(id$resp_p) == udp;
		local trusted = id$resp_p in trusted_ports || id$orig_p in trusted_ports;
		c$melsec = State($datagrams=datagrams, $group=datagrams && is_group(id$resp_h),
		    $proven=datagrams || trusted, $proven_bare=trusted);
		Conn::register_removal_hook(c, finalize_melsec);
		}

	return c$melsec;
	}

# Reports an oddity, once per connection, kind and interval.
function report(c: connection, name: string, detail: string, kind: string)
	{
	local state = state_of(c);
	local now = network_time();

	if ( kind in state$reported && now - state$reported[kind] < weird_interval )
		return;

	state$reported[kind] = now;
	Reporter::conn_weird(name, c, detail, "MELSEC");
	}

function limit_reached(c: connection, limit: string)
	{
	report(c, "melsec_limit", limit, limit);
	}

# The same where the connection is not at hand, and may be gone.
function limit_reached_by(transaction: Info, limit: string)
	{
	if ( connection_exists(transaction$id) )
		limit_reached(lookup_connection(transaction$id), limit);
	}

# Whether a PDU is to be passed over: a datagram that was delivered twice. What comes a third time was sent again.
function is_copy(state: State, pdu: PDU, now: time): bool
	{
	local copy_seen = pdu$repeated && state?$last_datagram && now - state$last_datagram <= copy_interval;
	state$last_datagram = now;
	state$latest = now;

	if ( copy_seen )
		{
		delete state$last_datagram;
		delete state$values;
		delete state$more;
		}

	return copy_seen;
	}

# Keeps what comes before the PDU that it belongs to. Secrets are of use only to be told apart: nobody gets to see them.
event particulars(c: connection, is_orig: bool, particulars: Particulars) &priority=10
	{
	if ( particulars?$token )
		particulars$token = sha256_hash("melsec-nsm", particulars$token);

	if ( particulars?$user_token )
		particulars$user_token = sha256_hash("melsec-nsm", particulars$user_token);

	state_of(c)$more = particulars;
	}

# Notes that a side says something for the first time. Returns whether its beginning was seen.
function speaks_first(c: connection, state: State, is_orig: bool): bool
	{
	if ( is_orig )
		state$orig_spoke = T;
	else
		state$resp_spoke = T;

	# Either half of the handshake tells where both sides begin.
	return ! state$datagrams && /[SsHh]/ in c$history;
	}

# Notes who answers, once per connection, side and protocol.
function note_answering(c: connection, state: State, is_orig: bool, protocol: string)
	{
	if ( is_orig )
		state$orig_answers = protocol;
	else
		state$resp_answers = protocol;

	hook answering(c, is_orig, protocol);
	}

# Whether a response may be the answer to a request: by serial number or packet reference, and by the command where
# the response repeats it.
function answers(asked: PDU, answer: PDU): bool
	{
	if ( asked$frame != answer$frame )
		return F;

	if ( asked?$serial && asked$serial != answer$serial )
		return F;

	return ! answer?$command || asked$command == answer$command;
	}

# Whether something vouches for a frame: itself, or what else was seen on the connection.
function is_believed(state: State, frame: FrameInfo): bool
	{
	if ( ! frame$weak )
		return T;

	return frame$bare ? state$proven_bare : state$proven;
	}

# Notes that the protocol is proven; requests that waited for that are believed now.
function prove(state: State, bare: bool)
	{
	state$proven = T;

	if ( bare )
		state$proven_bare = T;

	for ( _, transaction in state$pending )
		{
		if ( ! transaction$believed && is_believed(state, transaction$layout) )
			{
			transaction$believed = T;
			hook request_seen(transaction);
			}
		}
	}

# The place of the request that a response answers among those that wait, the oldest first; their number if there is
# none. Both sides may have asked: the answer goes back to who did.
function find_pending(pending: vector of Info, client: addr, answer: PDU, now: time): count
	{
	for ( place, transaction in pending )
		{
		if ( transaction$client == client && now - transaction$ts < request_timeout &&
		     answers(transaction$asked, answer) )
			return place;
		}

	return |pending|;
	}

# Keeps a request in mind whose response may still come.
function remember_expired(state: State, transaction: Info)
	{
	state$expired += transaction;

	if ( |state$expired| > max_expired_requests )
		state$expired[0:1] = vector();
	}

# Ends the wait of the oldest request of a connection.
function give_up_oldest(state: State)
	{
	local oldest = state$pending[0];
	state$pending[0:1] = vector();

	if ( ! oldest$believed )
		return;

	remember_expired(state, oldest);
	hook transaction_done(oldest);
	}

# Ends the wait of the last request if nobody answers its kind as a rule (a reset): it would take the response of the
# next. Requests in one packet were sent before anything could be answered.
function supersede(state: State, client: addr, now: time)
	{
	local last = |state$pending| - 1;
	local waiting = state$pending[last];

	if ( ! waiting$command_info$unanswered || waiting$client != client || waiting$ts == now )
		return;

	state$pending[last:] = vector();

	if ( waiting$believed )
		{
		remember_expired(state, waiting);
		hook transaction_done(waiting);
		}
	}

# Ends the wait of the requests that have waited for long.
function expire_pending(c: connection, state: State, now: time)
	{
	while ( |state$pending| > 0 && now - state$pending[0]$ts >= request_timeout )
		{
		local oldest = state$pending[0];
		give_up_oldest(state);

		# Who never says anything is not there, or its packets do not come by here: nothing odd.
		local server = oldest$client == c$id$orig_h ? c$resp : c$orig;

		if ( oldest$believed && ! oldest$command_info$unanswered && server?$num_pkts && server$num_pkts > 0 )
			report(c, "melsec_request_unanswered", oldest$operation, "unanswered");
		}
	}

# Looks at a connection's waiting requests when the oldest has waited for long enough: there may never be another PDU.
event watch_pending(c: connection)
	{
	if ( ! c?$melsec )
		return;

	local state = c$melsec;
	local now = network_time();
	expire_pending(c, state, now);
	state$watched = |state$pending| > 0;

	if ( state$watched )
		schedule request_timeout - ( now - state$pending[0]$ts ) { watch_pending(c) };
	}

# Adds a flow to those of its pair.
function join_flows(state: State, client: addr, server: addr)
	{
	if ( [client, server] !in flows )
		flows[client, server] = Flows();

	local pair = flows[client, server];
	state$pair_client = client;
	state$pair_server = server;
	state$pair_place = pair$tail;
	pair$states[pair$tail] = state;
	++pair$tail;

	if ( |pair$states| > max_flows_per_pair )
		{
		while ( pair$head !in pair$states )
			++pair$head;

		delete pair$states[pair$head]$pair_place;
		delete pair$states[pair$head];
		}
	}

function leave_flows(state: State)
	{
	if ( ! state?$pair_place )
		return;

	local pair = flows[state$pair_client, state$pair_server];
	delete pair$states[state$pair_place];

	if ( |pair$states| == 0 )
		delete flows[state$pair_client, state$pair_server];
	}

function without(numbers: vector of count, number: count)
	{
	for ( place, other in numbers )
		{
		if ( other == number )
			{
			numbers[place:place + 1] = vector();
			return;
			}
		}
	}

# Ends the wait of a request to a group address.
function drop_broadcast(number: count)
	{
	local transaction = broadcasts[number];
	local client = transaction$client;
	local client_port = transaction$id$orig_p;
	delete broadcasts[number];
	without(broadcasts_by_port[client_port], number);
	without(broadcasts_by_client[client], number);

	if ( |broadcasts_by_port[client_port]| == 0 )
		delete broadcasts_by_port[client_port];

	if ( |broadcasts_by_client[client]| == 0 )
		delete broadcasts_by_client[client];

	while ( broadcasts_head < broadcasts_tail && broadcasts_head !in broadcasts )
		++broadcasts_head;

	if ( transaction$believed && ! transaction?$answer )
		hook transaction_done(transaction);
	}

# Ends the wait of the requests to group addresses that have waited for long; one timer for all of them.
event watch_broadcasts()
	{
	local now = network_time();

	while ( |broadcasts| > 0 && now - broadcasts[broadcasts_head]$ts >= request_timeout )
		drop_broadcast(broadcasts_head);

	if ( |broadcasts| > 0 )
		schedule request_timeout - ( now - broadcasts[broadcasts_head]$ts ) { watch_broadcasts() };
	}

function add_broadcast(c: connection, transaction: Info)
	{
	local client = transaction$client;
	local client_port = transaction$id$orig_p;

	if ( |broadcasts| == 0 )
		schedule request_timeout { watch_broadcasts() };

	broadcasts[broadcasts_tail] = transaction;

	if ( client_port !in broadcasts_by_port )
		broadcasts_by_port[client_port] = vector();

	if ( client !in broadcasts_by_client )
		broadcasts_by_client[client] = vector();

	broadcasts_by_port[client_port] += broadcasts_tail;
	broadcasts_by_client[client] += broadcasts_tail;
	++broadcasts_tail;

	if ( |broadcasts_by_port[client_port]| > max_pending_requests )
		{
		limit_reached(c, "max_pending_requests");
		drop_broadcast(broadcasts_by_port[client_port][0]);
		}

	if ( |broadcasts| > max_broadcast_requests )
		{
		limit_reached(c, "max_broadcast_requests");
		drop_broadcast(broadcasts_head);
		}
	}

# The broadcast request that a response answers: the oldest that nobody has answered yet, else the newest that somebody
# has; `broadcasts_tail` if there is none. A response to a group address does not say whose request it answers.
function find_broadcast(numbers: vector of count, transaction: Info): count
	{
	local found = broadcasts_tail;
	local first = |numbers| > max_pending_requests ? |numbers| - max_pending_requests : 0;

	for ( place, number in numbers )
		{
		if ( place < first )
			next;

		local other = broadcasts[number];

		if ( ( transaction?$client && transaction$client != other$client ) ||
		     transaction$ts - other$ts >= request_timeout || ! answers(other$asked, transaction$answer) )
			next;

		found = number;

		if ( ! other?$answer )
			break;
		}

	return found;
	}

# Puts a response to the request that it answers.
function complete(c: connection, state: State, is_orig: bool, transaction: Info, answer: PDU, now: time)
	{
	transaction$server = is_orig ? c$id$orig_h : c$id$resp_h;
	transaction$answer = answer;
	transaction$rtt = now - transaction$ts;

	if ( transaction$uid == c$uid )
		{
		state$last = transaction;
		state$answered = now;
		}
	else
		transaction$response_uid = c$uid;

	if ( state?$values )
		{
		transaction$values = state$values;
		delete state$values;
		}

	if ( state?$more )
		{
		transaction$answer_more = state$more;
		delete state$more;
		}

	if ( ( is_orig ? state$orig_answers : state$resp_answers ) != transaction$protocol )
		note_answering(c, state, is_orig, transaction$protocol);

	if ( ! transaction$believed )
		{
		transaction$believed = T;
		hook request_seen(transaction);
		prove(state, transaction$layout$bare);
		}

	hook transaction_done(transaction);
	}

# A broadcast request with one more answer.
function answered_again(other: Info): Info
	{
	local transaction = begin(other$ts, other$uid, other$id, other$layout, other$asked);
	transaction$client = other$client;
	transaction$group = T;
	transaction$again = T;

	if ( other?$asked_more )
		transaction$asked_more = other$asked_more;

	return transaction;
	}

# Looks for the request of a datagram among those of other flows. Returns whether it was found.
function complete_elsewhere(c: connection, state: State, is_orig: bool, alone: Info): bool
	{
	local now = alone$ts;
	local answer = alone$answer;
	local number = broadcasts_tail;

	if ( alone?$client && [alone$client, alone$server] in flows )
		{
		local pair = flows[alone$client, alone$server];
		local place = pair$head;

		while ( place < pair$tail )
			{
			if ( place in pair$states )
				{
				local other = pair$states[place];
				local n = find_pending(other$pending, alone$client, answer, now);

				if ( n < |other$pending| )
					{
					local asked = other$pending[n];
					other$pending[n:n + 1] = vector();
					complete(c, state, is_orig, asked, answer, now);
					prove(other, asked$layout$bare);
					return T;
					}
				}

			++place;
			}
		}

	local client_port = c$id$orig_h == alone$server ? c$id$resp_p : c$id$orig_p;

	if ( client_port in broadcasts_by_port )
		number = find_broadcast(broadcasts_by_port[client_port], alone);

	if ( number == broadcasts_tail && alone?$client && alone$client in broadcasts_by_client )
		number = find_broadcast(broadcasts_by_client[alone$client], alone);

	if ( number == broadcasts_tail )
		return F;

	local found = broadcasts[number];
	complete(c, state, is_orig, found?$answer ? answered_again(found) : found, answer, now);
	return T;
	}

# Whether a client has asked anything on a connection of late.
function has_asked(state: State, client: addr): bool
	{
	if ( state?$last && state$last$client == client )
		return T;

	for ( _, waiting in state$pending )
		{
		if ( waiting$client == client )
			return T;
		}

	for ( _, late in state$expired )
		{
		if ( late$client == client )
			return T;
		}

	return F;
	}

# Whether nothing was missed of late, as far as can be told: no octets, and not what came before a capture that begins
# in the middle.
function is_whole(c: connection, state: State, now: time): bool
	{
	if ( state?$holed && now - state$holed < request_timeout )
		return F;

	return ( state$datagrams ? state$asked_first : /[SsHh]/ in c$history ) || now - c$start_time >= request_timeout;
	}

# Whether two responses say different things, as far as scripts get to know it.
function is_different(one: PDU, other: PDU, next_datagram: bool): bool
	{
	if ( one$size != other$size || ( next_datagram && ! other$repeated ) )
		return T;

	return ( one?$status ? one$status : 0 ) != ( other?$status ? other$status : 0 ) ||
	    ( one?$target ? one$target : "" ) != ( other?$target ? other$target : "" ) ||
	    ( one?$details ? one$details : "" ) != ( other?$details ? other$details : "" );
	}

# What a response that no request waits for is, going by its own connection: ``late``, ``repeated``, ``conflicting`` or
# ``unasked``; empty where no request was seen, which sensors see of one half only or from the middle on.
# ``before`` is when the datagram before it came.
function kind_of(c: connection, state: State, alone: Info, before: time): string
	{
	local client = alone$client;
	local answer = alone$answer;

	for ( _, given_up in state$expired )
		{
		if ( given_up$client == client && answers(given_up$asked, answer) )
			return "late";
		}

	if ( state?$last && state$last$client == client && answers(state$last$asked, answer) )
		{
		if ( ! is_different(state$last$answer, answer, state$datagrams && before == state$answered) )
			return "repeated";

		if ( alone$ts - state$answered < request_timeout )
			return is_whole(c, state, alone$ts) ? "conflicting" : "";
		}

	return has_asked(state, client) && is_whole(c, state, alone$ts) ? "unasked" : "";
	}

# Reports octets in front of a PDU that are none.
function report_garbage(c: connection, state: State, pdu: PDU, client: addr, server: addr)
	{
	report(c, "melsec_garbage", fmt("%d octets", pdu$garbage), "garbage");
	local now = network_time();

	if ( is_whole(c, state, now) )
		hook happened(Happening($name="malformed-frame", $ts=now, $uid=c$uid, $id=c$id, $client=client, $server=server,
		    $what=fmt("%d octets", pdu$garbage)));
	}

event content_gap(c: connection, is_orig: bool, seq: count, length: count)
	{
	if ( c?$melsec )
		c$melsec$holed = network_time();
	}

event request(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = c?$melsec ? c$melsec : state_of(c);
	local now = network_time();
	local id = c$id;
	local client = is_orig ? id$orig_h : id$resp_h;

	if ( ! state?$asked_first )
		state$asked_first = T;

	if ( state$datagrams )
		{
		if ( is_copy(state, pdu, now) )
			return;

		if ( ! state$group && ! state?$pair_place )
			join_flows(state, client, is_orig ? id$resp_h : id$orig_h);
		}

	if ( pdu$garbage > 0 )
		report_garbage(c, state, pdu, client, is_orig ? id$resp_h : id$orig_h);

	if ( pdu$targets_left > 0 )
		limit_reached(c, "targets");

	local frame = frames[pdu$frame];
	local transaction = begin(now, c$uid, id, frame, pdu);
	transaction$client = client;

	if ( state?$values )
		{
		transaction$values = state$values;
		delete state$values;
		}

	if ( state?$more )
		{
		transaction$asked_more = state$more;
		delete state$more;
		}

	if ( ( is_orig ? ! state$orig_spoke : ! state$resp_spoke ) && speaks_first(c, state, is_orig) )
		transaction$first = T;

	local to_group = state$group && is_orig;

	if ( to_group )
		transaction$group = T;
	else
		transaction$server = is_orig ? id$resp_h : id$orig_h;

	if ( frame$weak && ! is_believed(state, frame) )
		transaction$believed = F;
	else
		{
		if ( ! state$proven )
			prove(state, F);

		hook request_seen(transaction);
		}

	if ( frame$one_way )
		{
		if ( transaction$believed )
			hook transaction_done(transaction);

		return;
		}

	if ( to_group )
		{
		add_broadcast(c, transaction);
		return;
		}

	if ( |state$pending| > 0 )
		supersede(state, client, now);

	state$pending += transaction;

	if ( |state$pending| > max_pending_requests )
		{
		limit_reached(c, "max_pending_requests");
		give_up_oldest(state);
		}

	if ( ! state$watched )
		{
		state$watched = T;
		schedule request_timeout { watch_pending(c) };
		}
	}

event response(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = c?$melsec ? c$melsec : state_of(c);
	local now = network_time();
	local id = c$id;

	local before = state?$latest ? state$latest : c$start_time;

	if ( ! state?$asked_first )
		state$asked_first = F;

	if ( state$datagrams && is_copy(state, pdu, now) )
		{
		# What comes next follows the copy.
		if ( state?$answered && state$answered == before )
			state$answered = now;

		return;
		}

	if ( pdu$garbage > 0 )
		report_garbage(c, state, pdu, is_orig ? id$resp_h : id$orig_h, is_orig ? id$orig_h : id$resp_h);

	if ( pdu$targets_left > 0 )
		limit_reached(c, "targets");

	if ( is_orig )
		state$orig_spoke = T;
	else
		state$resp_spoke = T;

	local client = is_orig ? id$resp_h : id$orig_h;
	local server = is_orig ? id$orig_h : id$resp_h;
	local place = find_pending(state$pending, client, pdu, now);

	if ( place < |state$pending| )
		{
		local transaction = state$pending[place];
		state$pending[place:place + 1] = vector();
		complete(c, state, is_orig, transaction, pdu, now);
		return;
		}

	local frame = frames[pdu$frame];
	local alone = unasked(now, c$uid, id, frame, pdu);
	alone$server = server;
	local kind = "";

	if ( ! ( state$group && is_orig ) )
		{
		alone$client = client;
		expire_pending(c, state, now);
		kind = kind_of(c, state, alone, before);
		}

	if ( state$datagrams && kind != "late" && kind != "repeated" && complete_elsewhere(c, state, is_orig, alone) )
		return;

	if ( ! is_believed(state, frame) )
		{
		delete state$more;
		return;
		}

	if ( ! state$proven )
		prove(state, F);

	if ( state?$values )
		{
		alone$values = state$values;
		delete state$values;
		}

	if ( state?$more )
		{
		alone$answer_more = state$more;
		delete state$more;
		}

	if ( ( is_orig ? state$orig_answers : state$resp_answers ) != frame$protocol )
		note_answering(c, state, is_orig, frame$protocol);

	if ( kind != "" )
		{
		report(c, "melsec_response_" + kind, alone?$operation ? alone$operation : "", kind);

		if ( kind in kind_events )
			hook happened(Happening($name=kind_events[kind], $ts=now, $uid=c$uid, $id=id, $client=client,
			    $server=server, $what=alone?$operation ? alone$operation : "response"));
		}

	hook transaction_done(alone);
	}

hook finalize_melsec(c: connection)
	{
	if ( ! c?$melsec )
		return;

	local state = c$melsec;
	leave_flows(state);

	for ( _, transaction in state$pending )
		{
		if ( transaction$believed )
			hook transaction_done(transaction);
		}

	delete c$melsec;
	}

event zeek_done()
	{
	while ( |broadcasts| > 0 )
		drop_broadcast(broadcasts_head);
	}

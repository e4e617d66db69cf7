##! Requests and responses brought together.
##!
##! Everything here sits behind two hooks: `request_seen` for a request as it comes in, and
##! `transaction_done` for a request with its response, or either alone. Requests wait in the state of
##! their connection. Halves that are flows of their own (UDP to the broadcast address, answers to
##! another port) are brought together by halves.zeek.

@load base/frameworks/cluster
@load ./types
@load ./consts
@load ./info
@load ./connections
@load ./halves
@load ./serials

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

	## Raised for a datagram with a block of a file, or that asks for one, right before the PDU itself; only on the workers
	## of a cluster.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## offset: Where in the file the block is, in what says so.
	## content: The block; empty in a request that asks for it.
	global block: event(c: connection, is_orig: bool, offset: count, content: string);

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

	## UDP flows of one client and one server among which the request to a response on another port is looked for.
	option max_flows_per_pair = 64;

	## Requests of one connection that are remembered as unanswered, to tell a late response from one to nothing.
	option max_expired_requests = 16;
}

# UDP flows of a client and a server in the order in which they began: FX5 CPUs answer to the port that their
# settings name, which makes the response a flow of its own.
type Flows: record {
	states: table[count] of State &default=table();
	head: count &default=0;
	tail: count &default=0;
};

global flows: table[addr, addr] of Flows = table();

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
		delete state$block;
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

# The grammar puts files together that it sees both halves of; on a cluster their blocks are handed over with the
# halves.
event zeek_init()
	{
	if ( ! Cluster::is_enabled() || Cluster::local_node_type() != Cluster::WORKER )
		disable_event_group("MELSEC::blocks");
	}

event block(c: connection, is_orig: bool, offset: count, content: string) &group="MELSEC::blocks"
	{
	state_of(c)$block = Block($offset=offset, $content=content);
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

# Takes leave of a request that nobody has answered on its connection.
function finish_unanswered(state: State, transaction: Info)
	{
	if ( state$datagrams )
		give_up(transaction);
	else
		hook transaction_done(transaction);
	}

# Ends the wait of the oldest request of a connection.
function give_up_oldest(state: State)
	{
	local oldest = state$pending[0];
	state$pending[0:1] = vector();

	if ( ! oldest$believed )
		return;

	remember_expired(state, oldest);
	finish_unanswered(state, oldest);
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
		finish_unanswered(state, waiting);
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

# Notes who asks on a flow of datagrams, where its PDUs prove something by themselves.
function note_asker(state: State, pdu: PDU, client: addr)
	{
	if ( ! frames[pdu$frame]$bare )
		state$asker = client;
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

# Looks for the request of a datagram among those that wait on other flows of its pair. Returns whether it was found.
function complete_on_other_flow(c: connection, state: State, is_orig: bool, alone: Info): bool
	{
	if ( ! alone?$client || [alone$client, alone$server] !in flows )
		return F;

	local now = alone$ts;
	local answer = alone$answer;
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

	return F;
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

# Nor, as far as can be told, what came before a capture that begins in the middle.
function is_whole(c: connection, state: State, now: time): bool
	{
	return is_unbroken(state, now) && ( ( state$datagrams ? state$asked_first : /[SsHh]/ in c$history ) ||
	    now - c$start_time >= request_timeout );
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
			return is_unbroken(state, alone$ts) ? "conflicting" : "";
		}

	return has_asked(state, client) && is_whole(c, state, alone$ts) ? "unasked" : "";
	}

# Reports octets in front of a PDU that are none.
function report_garbage(c: connection, state: State, is_orig: bool, pdu: PDU, client: addr, server: addr)
	{
	report(c, "melsec_garbage", fmt("%d octets", pdu$garbage), "garbage");
	local now = network_time();

	# What stands between the PDUs of somebody is no end of one that was not seen from its start.
	if ( is_whole(c, state, now) || ( is_unbroken(state, now) && ( is_orig ? state$orig_spoke : state$resp_spoke ) ) )
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

		note_asker(state, pdu, client);
		}

	if ( pdu$garbage > 0 )
		report_garbage(c, state, is_orig, pdu, client, is_orig ? id$resp_h : id$orig_h);

	if ( pdu$targets_left > 0 )
		limit_reached(c, "targets");

	local frame = frames[pdu$frame];
	local transaction = begin(now, c$uid, id, frame, pdu);
	transaction$client = client;

	if ( pdu?$serial && frame$protocol == "slmp" && ! ( state$group && is_orig ) )
		follow_serial(state, is_orig, transaction, is_orig ? id$resp_h : id$orig_h);

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

	if ( state?$block )
		{
		transaction$asked_block = state$block;
		delete state$block;
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

		if ( ! to_group )
			hook request_seen(transaction);
		}

	if ( frame$one_way )
		{
		if ( transaction$believed )
			{
			if ( to_group )
				hook request_seen(transaction);

			hook transaction_done(transaction);
			}

		return;
		}

	# What it gives reason for comes about where it meets its answers.
	if ( to_group )
		{
		ask_group(transaction);
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
		report_garbage(c, state, is_orig, pdu, is_orig ? id$resp_h : id$orig_h, is_orig ? id$orig_h : id$resp_h);

	if ( pdu$targets_left > 0 )
		limit_reached(c, "targets");

	if ( is_orig )
		state$orig_spoke = T;
	else
		state$resp_spoke = T;

	local client = is_orig ? id$resp_h : id$orig_h;
	local server = is_orig ? id$orig_h : id$resp_h;

	if ( state$datagrams )
		note_asker(state, pdu, client);

	local place = find_pending(state$pending, client, pdu, now);

	if ( place < |state$pending| )
		{
		local transaction = state$pending[place];
		state$pending[place:place + 1] = vector();
		delete state$block;
		complete(c, state, is_orig, transaction, pdu, now);
		return;
		}

	local frame = frames[pdu$frame];
	local alone = unasked(now, c$uid, id, frame, pdu);
	alone$server = server;
	local kind = "";

	if ( state?$block )
		{
		alone$answer_block = state$block;
		delete state$block;
		}

	if ( ! ( state$group && is_orig ) )
		{
		alone$client = client;
		expire_pending(c, state, now);
		kind = kind_of(c, state, alone, before);
		}

	local elsewhere = state$datagrams && kind != "late" && kind != "repeated";

	if ( elsewhere && complete_on_other_flow(c, state, is_orig, alone) )
		return;

	alone$believed = is_believed(state, frame);

	if ( ! alone$believed && ! elsewhere )
		{
		delete state$more;
		return;
		}

	if ( alone$believed && ! state$proven )
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

	if ( alone$believed && ( is_orig ? state$orig_answers : state$resp_answers ) != frame$protocol )
		note_answering(c, state, is_orig, frame$protocol);

	if ( elsewhere )
		{
		answer_elsewhere(alone, kind, answerer(c, is_orig, frame$protocol));
		return;
		}

	if ( kind != "" )
		{
		report(c, "melsec_response_" + kind, alone?$operation ? alone$operation : "", kind);
		response_happened(alone, kind);
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
			finish_unanswered(state, transaction);
		}

	delete c$melsec;
	}

##! What is known of a connection, and what PDUs prove of it.

@load base/frameworks/cluster
@load base/protocols/conn/removal-hooks
@load ./types
@load ./consts
@load ./info
@load ./meeting

# Oddities of connections that another node has are told by what it says of them.
@if ( Cluster::is_enabled() )
@load base/frameworks/notice/weird
@endif

module MELSEC;

export {
	## Somebody who answers.
	type Answerer: record {
		## Time of the answer.
		ts: time;
		## Connection of the answer.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Who answers.
		host: addr;
		## The port that the answer comes from.
		answers_from: port;
		## The MAC address that it comes from, where there is one.
		mac: string &optional;
		## Where the answer goes to.
		client: addr;
		## The protocol that it is in.
		protocol: string;
	};

	## Runs for each request once it is believed, before its response is known. On a cluster that is on the worker that
	## sees it; for one to a group address, on the proxy where all meets.
	global request_seen: hook(transaction: Info);

	## Runs for each transaction once it is complete, or known to stay incomplete. On a cluster that is on the worker that
	## sees both halves on one flow, else on the proxy where all meets.
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
	## who: Who that is.
	global answering: hook(who: Answerer);

	## Ends the wait of a connection's requests when it goes.
	global finalize_melsec: Conn::RemovalHook;

	## Ports of the site's own on which even frames that prove nothing alone are believed at once: 1E has neither a
	## length nor a mark. Elsewhere its requests are believed once one of them was answered as its layout demands.
	const trusted_ports: set[port] = {} &redef;

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
	# The block of a file that it carries or asks for, where the grammar may not see the other half.
	block: Block &optional;
	# The first PDU was a request.
	asked_first: bool &optional;
	# Over UDP, who asks.
	asker: addr &optional;
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

# Whether no octets were missed of late.
function is_unbroken(state: State, now: time): bool
	{
	return ! state?$holed || now - state$holed >= request_timeout;
	}

function limit_reached(c: connection, limit: string)
	{
	report(c, "melsec_limit", limit, limit);
	}

# Oddities of connections of other nodes that were reported; what comes beyond them within the interval is not.
const max_reported_elsewhere = 1024;
global reported_elsewhere: set[string, string] &create_expire=weird_interval;

# The same where the connection is not at hand: it may be gone, or that of another node.
function report_by(transaction: Info, name: string, detail: string, kind: string)
	{
	if ( connection_exists(transaction$id) )
		{
		report(lookup_connection(transaction$id), name, detail, kind);
		return;
		}

@if ( Cluster::is_enabled() )
	if ( Cluster::local_node_type() != Cluster::PROXY || [transaction$uid, kind] in reported_elsewhere ||
	     |reported_elsewhere| >= max_reported_elsewhere )
		return;

	add reported_elsewhere[transaction$uid, kind];
	local weird = Weird::Info($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $name=name, $source="MELSEC");

	# As the core does it.
	if ( detail != "" )
		weird$addl = detail;

	Weird::weird(weird);
@endif
	}

function limit_reached_by(transaction: Info, limit: string)
	{
	report_by(transaction, "melsec_limit", limit, limit);
	}

# A response that nothing waits for, if its kind is an event of the definition.
function response_happened(alone: Info, kind: string)
	{
	if ( kind in kind_events && alone?$client )
		hook happened(Happening($name=kind_events[kind], $ts=alone$ts, $uid=alone$uid, $id=alone$id,
		    $client=alone$client, $server=alone$server, $what=alone?$operation ? alone$operation : "response"));
	}

# Who answers on a connection.
function answerer(c: connection, is_orig: bool, protocol: string): Answerer
	{
	local side = is_orig ? c$orig : c$resp;
	local id = c$id;
	local who = Answerer($ts=network_time(), $uid=c$uid, $id=id, $host=is_orig ? id$orig_h : id$resp_h,
	    $answers_from=is_orig ? id$orig_p : id$resp_p, $client=is_orig ? id$resp_h : id$orig_h, $protocol=protocol);

	if ( side?$l2_addr )
		who$mac = side$l2_addr;

	return who;
	}

# Notes who answers, once per connection, side and protocol.
function note_answering(c: connection, state: State, is_orig: bool, protocol: string)
	{
	if ( is_orig )
		state$orig_answers = protocol;
	else
		state$resp_answers = protocol;

	hook answering(answerer(c, is_orig, protocol));
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

##! Requests and responses brought together.
##!
##! Everything here sits behind two hooks: `request_seen` for a request as it comes in, and
##! `transaction_done` for a request with its response, or either alone. Halves that are flows of
##! their own (MELSOFT over UDP goes to the broadcast address both ways) meet in `group_pending`.

@load base/protocols/conn/removal-hooks
@load ./types
@load ./consts

module MELSEC;

export {
	## A PDU with its time and its way.
	type Half: record {
		## When the PDU was complete.
		ts: time;
		## Connection it came on.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Sender.
		source: addr;
		## Receiver.
		destination: addr;
		## The receiver is a group address, which names no host.
		group: bool;
		## What the grammar made of it.
		pdu: PDU;
	};

	## A request with its response, or either alone.
	type Transaction: record {
		request: Half &optional;
		response: Half &optional;
	};

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

	## Runs for each request as it comes in, before its response is known.
	global request_seen: hook(half: Half);

	## Runs for each transaction once it is complete, or known to stay incomplete.
	global transaction_done: hook(transaction: Transaction);

	## Ends the wait of a connection's requests when it goes.
	global finalize_melsec: Conn::RemovalHook;

}

# State of a connection.
type State: record {
	# Requests that wait, by running number: head is the oldest.
	pending: table[count] of Half &default=table();
	head: count &default=0;
	tail: count &default=0;
	# Over UDP, where exchanges may go to a group address, and a short frame fills its datagram.
	datagrams: bool;
	# The responder is a group address: it stands for whoever receives.
	group: bool;
	# Time of the last datagram, for recognising copies.
	last: time &optional;
	# A PDU that proves the protocol was seen.
	proven: bool &default=F;
};

redef record connection += {
	melsec: State &optional;
};

# Requests to a group address, by the client's port: all that the answer, which goes to a group
# address as well, has in common with them.
global group_pending: table[port] of vector of Half = table();

const multicast = { 224.0.0.0/4, [ff00::]/8 };

function is_group(a: addr): bool
	{
	return a == 255.255.255.255 || a in multicast || ( is_v4_addr(a) && addr_to_counts(a)[0] & 0xff == 0xff );
	}

# Whether a response may be the answer to a request: by serial number or packet reference, and by the command where
# the response repeats it.
function answers(request: PDU, response: PDU): bool
	{
	if ( request$frame != response$frame )
		return F;

	if ( request?$serial && request$serial != response$serial )
		return F;

	return ! response?$command || request$command == response$command;
	}

# Writes the oldest requests of a connection as unanswered, until none is older than the limits allow.
function expire_pending(state: State, now: time)
	{
	while ( state$head < state$tail )
		{
		if ( state$head in state$pending )
			{
			local oldest = state$pending[state$head];

			if ( now - oldest$ts < request_timeout && |state$pending| <= max_pending_requests )
				return;

			delete state$pending[state$head];
			hook transaction_done(Transaction($request=oldest));
			}

		++state$head;
		}
	}

# Takes the request that a response answers out of those that wait. Both sides may have asked: the answer goes back to
# who did.
function take_pending(state: State, response: Half, transaction: Transaction)
	{
	local n = state$head;

	while ( n < state$tail )
		{
		if ( n in state$pending && state$pending[n]$source == response$destination &&
		     answers(state$pending[n]$pdu, response$pdu) )
			{
			transaction$request = state$pending[n];
			delete state$pending[n];

			if ( n == state$head )
				++state$head;

			return;
			}

		++n;
		}
	}

function take_group(client: port, response: PDU, transaction: Transaction)
	{
	if ( client !in group_pending )
		return;

	local rest: vector of Half;

	for ( _, half in group_pending[client] )
		{
		if ( ! transaction?$request && answers(half$pdu, response) )
			transaction$request = half;
		else
			rest += half;
		}

	if ( |rest| > 0 )
		group_pending[client] = rest;
	else
		delete group_pending[client];
	}

# Gives up the oldest request that waits at a client's port.
function drop_oldest(client: port)
	{
	local halves = group_pending[client];
	hook transaction_done(Transaction($request=halves[0]));
	group_pending[client] = halves[1:];
	}

event group_expired(client: port, started: time)
	{
	if ( client !in group_pending )
		return;

	local rest: vector of Half;

	for ( _, half in group_pending[client] )
		{
		if ( half$ts <= started )
			hook transaction_done(Transaction($request=half));
		else
			rest += half;
		}

	if ( |rest| > 0 )
		group_pending[client] = rest;
	else
		delete group_pending[client];
	}

# Whether a PDU is to be passed over: a datagram that was delivered twice.
function is_copy(state: State, pdu: PDU): bool
	{
	local now = network_time();
	local duplicate = pdu$repeated && state?$last && now - state$last <= copy_interval;
	state$last = now;
	return duplicate;
	}

function state_of(c: connection): State
	{
	if ( ! c?$melsec )
		{
		local datagrams = get_port_transport_proto(c$id$resp_p) == udp;
		c$melsec = State($datagrams=datagrams, $group=datagrams && is_group(c$id$resp_h));
		Conn::register_removal_hook(c, finalize_melsec);
		}

	return c$melsec;
	}

function half_of(c: connection, is_orig: bool, pdu: PDU): Half
	{
	local id = c$id;

	if ( is_orig )
		return Half($ts=network_time(), $uid=c$uid, $id=id, $source=id$orig_h, $destination=id$resp_h,
		    $group=c$melsec$group, $pdu=pdu);

	return Half($ts=network_time(), $uid=c$uid, $id=id, $source=id$resp_h, $destination=id$orig_h, $group=F, $pdu=pdu);
	}

event request(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = state_of(c);

	if ( state$datagrams && is_copy(state, pdu) )
		return;

	local half = half_of(c, is_orig, pdu);

	if ( ! state$proven )
		state$proven = state$datagrams || ! frames[pdu$frame]$weak;

	hook request_seen(half);

	if ( half$group )
		{
		local client = is_orig ? c$id$orig_p : c$id$resp_p;

		if ( client !in group_pending )
			group_pending[client] = vector();

		group_pending[client] += half;
		schedule request_timeout { group_expired(client, half$ts) };

		if ( |group_pending[client]| > max_pending_requests )
			drop_oldest(client);

		return;
		}

	state$pending[state$tail] = half;
	++state$tail;
	expire_pending(state, half$ts);
	}

event response(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = state_of(c);

	if ( state$datagrams && is_copy(state, pdu) )
		return;

	local half = half_of(c, is_orig, pdu);

	if ( ! state$proven )
		state$proven = state$datagrams || ! frames[pdu$frame]$weak;

	expire_pending(state, half$ts);

	local transaction = Transaction($response=half);

	if ( half$group )
		take_group(is_orig ? c$id$resp_p : c$id$orig_p, pdu, transaction);
	else
		take_pending(state, half, transaction);

	# A control frame alone proves nothing in a stream.
	if ( transaction?$request || state$proven )
		hook transaction_done(transaction);
	}

hook finalize_melsec(c: connection)
	{
	if ( ! c?$melsec || ! c$melsec$proven )
		return;

	local state = c$melsec;

	while ( state$head < state$tail )
		{
		if ( state$head in state$pending )
			hook transaction_done(Transaction($request=state$pending[state$head]));

		++state$head;
		}

	delete c$melsec;
	}

event zeek_done()
	{
	for ( _, halves in group_pending )
		{
		for ( _, half in halves )
			hook transaction_done(Transaction($request=half));
		}
	}

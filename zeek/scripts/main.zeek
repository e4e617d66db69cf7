##! Transactions of MELSEC controllers: requests and responses brought together, and logged.

@load base/frameworks/logging
@load base/frameworks/reporter
@load base/protocols/conn/removal-hooks
@load ./types
@load ./consts

module MELSEC;

export {
	redef enum Log::ID += { LOG };

	## How long a request waits for its response. A later response is logged alone.
	option request_timeout = 10sec;

	## Requests of one connection that may wait for a response; beyond it the oldest is logged
	## without one.
	option max_pending_requests = 256;

	## Interval within which an equal datagram, with nothing in between, is a copy that a span port
	## delivered.
	option copy_interval = 10msec;

	## One line of melsec.log: a request with its response, or either alone.
	type Info: record {
		## Time of the request; of the response where no request was seen.
		ts: time &log;
		## Connection of the request.
		uid: string &log &optional;
		## Endpoints of that connection.
		id: conn_id &log &optional;
		## Connection of the response where it is another one: broadcast exchanges are two flows.
		response_uid: string &log &optional;
		## Who asked, whatever Zeek took for the originator.
		client: addr &log &optional;
		## Who answered, or was asked; absent where nobody answered a broadcast.
		server: addr &log &optional;
		## Protocol: ``slmp``, ``melsoft``.
		protocol: string &log;
		## Frame: ``3E``, ``4E``; for MELSOFT the leading octet, ``57`` or ``5A``.
		frame: string &log;
		## ``binary`` or ``ascii``.
		encoding: string &log;
		## 4E serial number or MELSOFT packet reference.
		serial: count &log &optional;
		## Network number in the header.
		network: count &log &optional;
		## Station number in the header.
		station: count &log &optional;
		## Module I/O number in the header, in hex.
		module_io: string &log &optional;
		## Multidrop station number in the header.
		multidrop: count &log &optional;
		## Command code in hex; absent where only a response without one was seen.
		command: string &log &optional;
		## Sub-command in hex.
		subcommand: string &log &optional;
		## Name of the command; ``unknown-1234`` for one that the definition does not have.
		operation: string &log &optional;
		## Class of the command.
		class: string &log &optional;
		## What it was about: devices, a file, a model.
		target: string &log &optional;
		## Device points, items or octets asked for.
		points: count &log &optional;
		## End code in hex; absent where no response was seen.
		status: string &log &optional;
		## Name of the end code.
		status_name: string &log &optional;
		## Octets of the request PDU.
		request_len: count &log &optional;
		## Octets of the response PDU.
		response_len: count &log &optional;
		## Time from request to response.
		rtt: interval &log &optional;
	};

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
		## Receiver; a group address names no host.
		destination: addr;
		## What the grammar made of it.
		pdu: PDU;
	};

	## A request with its response, or either alone.
	type Transaction: record {
		request: Half &optional;
		response: Half &optional;
	};

	## Default policy hook of the log.
	global log_policy: Log::PolicyHook;

	## Raised for each record on its way to the log.
	global log_melsec: event(rec: Info);

	## Raised for each request PDU.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## pdu: The PDU.
	global request: event(c: connection, is_orig: bool, pdu: PDU);

	## Raised for each response PDU.
	global response: event(c: connection, is_orig: bool, pdu: PDU);

	## Runs for each request as it comes in, before its response is known.
	global request_seen: hook(half: Half, command: CommandInfo);

	## Runs for each transaction once it is complete, or known to stay incomplete.
	global transaction_done: hook(transaction: Transaction, info: Info);

	## Logs what still waits when a connection goes.
	global finalize_melsec: Conn::RemovalHook;

	## Whether an address is a broadcast or multicast address.
	global is_group: function(a: addr): bool;

	## The definition's entry for a request's command; a stable stand-in for an unknown one.
	global command_of: function(pdu: PDU): CommandInfo;
}

# State of a connection.
type State: record {
	# Requests that wait, by running number: head is the oldest.
	pending: table[count] of Half;
	head: count &default=0;
	tail: count &default=0;
	# Time of the last datagram, for recognising copies.
	last: time &optional;
	# A PDU that proves the protocol was seen.
	proven: bool &default=F;
};

redef record connection += {
	melsec: State &optional;
};

redef likely_server_ports += { tcp_ports, udp_ports };

global log_unanswered: function(halves: vector of Half);

# Requests to a group address, by the client's port: all that the answer, which goes to a group
# address as well, has in common with them.
global group_pending: table[port] of vector of Half = table();

event zeek_init() &priority=5
	{
	Log::create_stream(MELSEC::LOG, Log::Stream($columns=Info, $ev=log_melsec, $path="melsec", $policy=log_policy));
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_TCP, tcp_ports);
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_UDP, udp_ports);
	}

function hex(value: count, digits: count): string
	{
	return to_upper(digits == 2 ? fmt("%02x", value) : fmt("%04x", value));
	}

const multicast = { 224.0.0.0/4, [ff00::]/8 };

function is_group(a: addr): bool
	{
	return a == 255.255.255.255 || a in multicast || ( is_v4_addr(a) && addr_to_counts(a)[0] & 0xff == 0xff );
	}

function command_of(pdu: PDU): CommandInfo
	{
	local frame = frames[pdu$frame];

	if ( [frame$protocol, frame$digits, pdu$command] in commands )
		return commands[frame$protocol, frame$digits, pdu$command];

	return CommandInfo($operation=fmt("unknown-%s", hex(pdu$command, frame$digits)), $class="unknown");
	}

# Devices as an engineer writes them: D100-D109. A bit device accessed in word units covers 16 points a word.
function device_range(frame: FrameInfo, pdu: PDU): string
	{
	if ( [frame$devices, pdu$device_code] !in devices )
		return fmt("unknown-%s/%d", hex(pdu$device_code, 2), pdu$device_number);

	local device = devices[frame$devices, pdu$device_code];
	local points = pdu?$points ? pdu$points : 1;

	if ( device$bit && frame$bit_units != 0 && pdu$subcommand & frame$bit_units == 0 )
		points = points * 16;

	local first = device$hexadecimal ? to_upper(fmt("%x", pdu$device_number)) : cat(pdu$device_number);

	if ( points <= 1 )
		return device$symbol + first;

	local last = pdu$device_number + points - 1;
	return fmt("%s%s-%s%s", device$symbol, first, device$symbol, device$hexadecimal ? to_upper(fmt("%x", last)) : cat(last));
	}

function text_of(text: string): string
	{
	return rstrip(text, " \x00");
	}

function write(transaction: Transaction)
	{
	local half = transaction?$request ? transaction$request : transaction$response;
	local pdu = half$pdu;
	local frame = frames[pdu$frame];

	local info = Info($ts=half$ts, $uid=half$uid, $id=half$id, $protocol=frame$protocol, $frame=frame$frame,
	    $encoding=frame$encoding);

	if ( pdu?$serial )
		info$serial = pdu$serial;

	if ( pdu?$network_no )
		{
		info$network = pdu$network_no;
		info$station = pdu$station_no;
		info$module_io = hex(pdu$module_io, 4);
		}

	if ( pdu?$multidrop )
		info$multidrop = pdu$multidrop;

	if ( pdu?$command )
		{
		info$command = hex(pdu$command, frame$digits);

		local command = command_of(pdu);
		info$operation = command$operation;
		info$class = command$class;
		}

	if ( pdu?$subcommand )
		info$subcommand = hex(pdu$subcommand, 4);

	if ( transaction?$request )
		{
		info$client = half$source;
		info$request_len = pdu$size;

		if ( pdu?$device_code )
			info$target = device_range(frame, pdu);

		if ( pdu?$points )
			info$points = pdu$points;

		if ( ! is_group(half$destination) )
			info$server = half$destination;
		}

	if ( transaction?$response )
		{
		local answer = transaction$response;
		info$server = answer$source;
		info$response_len = answer$pdu$size;

		if ( ! info?$client && ! is_group(answer$destination) )
			info$client = answer$destination;

		if ( answer$uid != info$uid )
			info$response_uid = answer$uid;

		if ( answer$pdu?$status )
			{
			info$status = hex(answer$pdu$status, 4);

			if ( [frame$statuses, answer$pdu$status] in statuses )
				info$status_name = statuses[frame$statuses, answer$pdu$status];
			}

		if ( answer$pdu?$text )
			info$target = text_of(answer$pdu$text);

		if ( transaction?$request )
			info$rtt = answer$ts - half$ts;
		}

	hook transaction_done(transaction, info);
	Log::write(MELSEC::LOG, info);
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
			write(Transaction($request=oldest));
			}

		++state$head;
		}
	}

# Takes the request that a response answers out of those that wait.
function take_pending(state: State, response: PDU, transaction: Transaction)
	{
	local n = state$head;

	while ( n < state$tail )
		{
		if ( n in state$pending && answers(state$pending[n]$pdu, response) )
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

function write_unanswered(halves: vector of Half)
	{
	for ( _, half in halves )
		write(Transaction($request=half));
	}

event group_expired(client: port, started: time)
	{
	if ( client !in group_pending )
		return;

	local rest: vector of Half;

	for ( _, half in group_pending[client] )
		{
		if ( half$ts <= started )
			write(Transaction($request=half));
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
	local copy = pdu$repeated && state?$last && now - state$last <= copy_interval;
	state$last = now;
	return copy;
	}

function state_of(c: connection): State
	{
	if ( ! c?$melsec )
		{
		c$melsec = State();
		Conn::register_removal_hook(c, finalize_melsec);
		}

	return c$melsec;
	}

function half_of(c: connection, is_orig: bool, pdu: PDU): Half
	{
	return Half($ts=network_time(), $uid=c$uid, $id=c$id, $source=is_orig ? c$id$orig_h : c$id$resp_h,
	    $destination=is_orig ? c$id$resp_h : c$id$orig_h, $pdu=pdu);
	}

event request(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = state_of(c);

	if ( is_copy(state, pdu) )
		return;

	local half = half_of(c, is_orig, pdu);
	state$proven = state$proven || ! frames[pdu$frame]$weak || get_port_transport_proto(c$id$resp_p) == udp;

	hook request_seen(half, command_of(pdu));

	if ( is_group(half$destination) )
		{
		local client = is_orig ? c$id$orig_p : c$id$resp_p;

		if ( client !in group_pending )
			group_pending[client] = vector();

		group_pending[client] += half;
		schedule request_timeout { group_expired(client, half$ts) };
		return;
		}

	state$pending[state$tail] = half;
	++state$tail;
	expire_pending(state, half$ts);
	}

event response(c: connection, is_orig: bool, pdu: PDU) &priority=5
	{
	local state = state_of(c);

	if ( is_copy(state, pdu) )
		return;

	local half = half_of(c, is_orig, pdu);
	state$proven = state$proven || ! frames[pdu$frame]$weak || get_port_transport_proto(c$id$resp_p) == udp;

	expire_pending(state, half$ts);

	local transaction = Transaction($response=half);

	if ( is_group(half$destination) )
		take_group(is_orig ? c$id$resp_p : c$id$orig_p, pdu, transaction);
	else
		take_pending(state, pdu, transaction);

	# A control frame alone proves nothing in a stream.
	if ( transaction?$request || state$proven )
		write(transaction);
	}

hook finalize_melsec(c: connection)
	{
	if ( ! c?$melsec || ! c$melsec$proven )
		return;

	local state = c$melsec;

	while ( state$head < state$tail )
		{
		if ( state$head in state$pending )
			write(Transaction($request=state$pending[state$head]));

		++state$head;
		}

	delete c$melsec;
	}

event zeek_done()
	{
	for ( client, halves in group_pending )
		write_unanswered(halves);
	}

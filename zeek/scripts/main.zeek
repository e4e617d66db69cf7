##! melsec.log: one line per transaction.

@load base/frameworks/logging
@load ./types
@load ./consts
@load ./pairing

module MELSEC;

export {
	redef enum Log::ID += { LOG };

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

	## Default policy hook of the log.
	global log_policy: Log::PolicyHook;

	## Raised for each record on its way to the log.
	##
	## rec: The record.
	global log_melsec: event(rec: Info);

	## The definition's entry for a PDU's command; a stable stand-in for an unknown one.
	##
	## pdu: A PDU that carries a command.
	global command_of: function(pdu: PDU): CommandInfo;
}

redef likely_server_ports += { tcp_ports, udp_ports };

event zeek_init() &priority=5
	{
	Log::create_stream(MELSEC::LOG, Log::Stream($columns=Info, $ev=log_melsec, $path="melsec", $policy=log_policy));
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_TCP, tcp_ports);
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_UDP, udp_ports);
	}

# Numbers in hex, kept because the same few come again and again.
global hex_words: table[count] of string = table();

function hex(value: count): string
	{
	if ( value !in hex_words )
		hex_words[value] = to_upper(fmt("%04x", value));

	return hex_words[value];
	}

function command_of(pdu: PDU): CommandInfo
	{
	local frame = frames[pdu$frame];

	if ( pdu$command in frame$commands )
		return frame$commands[pdu$command];

	local code = frame$digits == 2 ? to_upper(fmt("%02x", pdu$command)) : hex(pdu$command);
	return CommandInfo($code=code, $operation=fmt("unknown-%s", code), $class="unknown");
	}

# Devices as an engineer writes them: D100-D109. A bit device accessed in word units covers 16 points a word.
function device_range(frame: FrameInfo, pdu: PDU): string
	{
	if ( pdu$device_code !in frame$devices )
		return fmt("unknown-%s/%d", to_upper(fmt("%02x", pdu$device_code)), pdu$device_number);

	local device = frame$devices[pdu$device_code];
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

function info_of(transaction: Transaction): Info
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
		info$module_io = hex(pdu$module_io);
		}

	if ( pdu?$multidrop )
		info$multidrop = pdu$multidrop;

	if ( pdu?$command )
		{
		local command = command_of(pdu);
		info$command = command$code;
		info$operation = command$operation;
		info$class = command$class;
		}

	if ( pdu?$subcommand )
		info$subcommand = hex(pdu$subcommand);

	if ( transaction?$request )
		{
		info$client = half$source;
		info$request_len = pdu$size;

		if ( pdu?$device_code )
			info$target = device_range(frame, pdu);

		if ( pdu?$points )
			info$points = pdu$points;

		if ( ! half$group )
			info$server = half$destination;
		}

	if ( transaction?$response )
		{
		local answer = transaction$response;
		info$server = answer$source;
		info$response_len = answer$pdu$size;

		if ( ! info?$client && ! answer$group )
			info$client = answer$destination;

		if ( answer$uid != info$uid )
			info$response_uid = answer$uid;

		if ( answer$pdu?$status )
			{
			info$status = hex(answer$pdu$status);

			if ( answer$pdu$status in frame$statuses )
				info$status_name = frame$statuses[answer$pdu$status];
			}

		if ( answer$pdu?$text )
			info$target = text_of(answer$pdu$text);

		if ( transaction?$request )
			info$rtt = answer$ts - half$ts;
		}

	return info;
	}

hook transaction_done(transaction: Transaction) &priority=-5
	{
	Log::write(MELSEC::LOG, info_of(transaction));
	}

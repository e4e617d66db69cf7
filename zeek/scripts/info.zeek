##! The columns of melsec.log, and how a transaction fills them.

@load base/frameworks/logging
@load ./types
@load ./consts
@load ./numbering
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
		## Protocol: ``slmp``, ``mc1e``, ``melsoft``.
		protocol: string &log;
		## Frame: ``1E``, ``3E``, ``4E``, ``LMT``, ``EMT``, ``4C``; for MELSOFT the leading octet, ``57`` or ``5A``.
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
		## What else was said, as ``name=value`` with spaces between: modes, drives, offsets, addresses that are set.
		details: string &log &optional;
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
		## Time from request to response; the mean of them where a line stands for several transactions.
		rtt: interval &log &optional;
		## Values that were read or written, where `log_values` asks for them.
		values: string &log &optional;
		## One more answer to a broadcast request that has a line already.
		again: bool &log &optional;
		## Transactions that the line stands for, where `log_polling` sums them up.
		repeats: count &log &optional;
	};

	## The line of a transaction.
	##
	## transaction: A transaction with a request, a response or both.
	global info_of: function(transaction: Transaction): Info;

	## Whether values that are read from and written to devices are logged, as words in hexadecimal or as bits.
	option log_values = F;

	## Characters of `values` that are logged.
	option max_values_length = 1024;

	## Octets of `target`, and of `details`, that are logged.
	option max_target_length = 512;
}

# Numbers in hexadecimal, kept because the same few come again and again.
global hex_words: table[count] of string = table();
global hex_octets: table[count] of string = table();

function hex(value: count): string
	{
	if ( value !in hex_words )
		hex_words[value] = to_upper(fmt("%04x", value));

	return hex_words[value];
	}

# An end code as wide as on the wire.
function hex_status(frame: FrameInfo, value: count): string
	{
	if ( frame$digits != 2 )
		return hex(value);

	if ( value !in hex_octets )
		hex_octets[value] = to_upper(fmt("%02x", value));

	return hex_octets[value];
	}

function shortened(transaction: Transaction, text: string): string
	{
	if ( |text| <= max_target_length )
		return text;

	limit_reached_by(transaction, "max_target_length");
	return text[:max_target_length];
	}

function info_of(transaction: Transaction): Info
	{
	local frame = transaction$frame;
	local pdu = transaction?$asked ? transaction$asked : transaction$answer;
	local info = Info($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $protocol=frame$protocol,
	    $frame=frame$frame, $encoding=frame$encoding);

	if ( transaction?$client )
		info$client = transaction$client;

	if ( transaction?$server )
		info$server = transaction$server;

	if ( pdu?$serial )
		info$serial = pdu$serial;

	if ( pdu?$network_no )
		info$network = pdu$network_no;

	if ( pdu?$station_no )
		info$station = pdu$station_no;

	if ( pdu?$module_io )
		info$module_io = hex(pdu$module_io);

	if ( pdu?$multidrop )
		info$multidrop = pdu$multidrop;

	if ( pdu?$subcommand )
		info$subcommand = hex(pdu$subcommand);

	if ( transaction?$asked )
		info$request_len = pdu$size;

	if ( pdu?$target && |pdu$target| > 0 )
		info$target = pdu$target;

	if ( pdu?$details )
		info$details = pdu$details;

	if ( pdu?$points )
		info$points = pdu$points;

	if ( transaction?$command )
		{
		local command = transaction$command;
		info$command = command$code;
		info$operation = command$operation;
		info$class = command$class;
		}

	if ( transaction?$answer )
		{
		local answer = transaction$answer;
		info$response_len = answer$size;

		if ( answer?$status )
			{
			info$status = hex_status(frame, answer$status);

			if ( answer$status in frame$statuses )
				info$status_name = frame$statuses[answer$status];
			}

		if ( transaction?$rtt )
			info$rtt = transaction$rtt;

		if ( transaction?$answer_uid )
			info$response_uid = transaction$answer_uid;

		# What was asked about counts, but for a question who that is.
		if ( answer?$target && |answer$target| > 0 && ( ! info?$target || ( info?$class && info$class == "identify" ) ) )
			info$target = answer$target;

		if ( answer?$details && transaction?$asked )
			info$details = info?$details ? info$details + " " + answer$details : answer$details;

		if ( answer?$points && ( ! info?$points || ( info?$class && info$class == "identify" ) ) )
			info$points = answer$points;
		}

	if ( transaction$again )
		info$again = T;

	if ( transaction?$values )
		info$values = transaction$values;

	if ( pdu?$device_code && info?$server && info$server in octal_servers )
		info$target = octal_target(info$target);

	if ( pdu$targets_left > 0 )
		limit_reached_by(transaction, "targets");

	if ( info?$target )
		info$target = shortened(transaction, info$target);

	if ( info?$details )
		info$details = shortened(transaction, info$details);

	return info;
	}

##! Transactions: the columns of melsec.log, how PDUs fill them, and what else is known of a transaction.

@load base/frameworks/logging
@load ./types
@load ./consts

module MELSEC;

export {
	redef enum Log::ID += { LOG };

	## A block of a file that is read or written.
	type Block: record {
		## Where in the file it is.
		offset: count;
		## The block; empty in a request that asks for it.
		content: string;
	};

	## A request with its response, or either alone: one line of melsec.log, and what scripts know beyond that.
	type Info: record {
		## Time of the request; of the response where no request was seen.
		ts: time &log;
		## Connection of the request; of the response where no request was seen.
		uid: string &log;
		## Endpoints of that connection.
		id: conn_id &log;
		## Connection of the response where it is another one: MELSOFT over UDP 5560 goes to the broadcast address both
		## ways.
		response_uid: string &log &optional;
		## Who asked, whatever Zeek took for the originator. Unknown for a response to a group address whose request
		## was not seen.
		client: addr &log &optional;
		## Who answered; who was asked as long as nobody has. Absent where that is a group address.
		server: addr &log &optional;
		## Protocol: ``slmp``, ``mc1e``, ``melsoft``.
		protocol: string &log;
		## Frame: ``1E``, ``3E``, ``4E``, ``LMT``, ``EMT``, ``4C``; for MELSOFT the leading octet, ``57`` or ``5A``.
		frame: string &log;
		## ``binary`` or ``ascii``.
		encoding: string &log;
		## 4E serial number or MELSOFT packet reference.
		serial: count &log &optional;
		## Network number in the header. A route in this and the next three other than ``0``, ``255``, ``03FF``, ``0`` is
		## one to another station or CPU.
		network: count &log &optional;
		## Station number in the header.
		station: count &log &optional;
		## Module I/O number in the header, in hex.
		module_io: string &log &optional;
		## Multidrop station number in the header.
		multidrop: count &log &optional;
		## Command code in hex, as wide as on the wire; absent where only a response without one was seen.
		command: string &log &optional;
		## Sub-command in hex.
		subcommand: string &log &optional;
		## Name of the command; ``unknown-1234`` for one that the definition does not have.
		operation: string &log &optional;
		## Class of the command.
		class: string &log &optional;
		## What it was about: ``D100-D109``, ``X1F``, ``U3E0\G10``, a label, a file, a model. X and Y of an iQ-F or FX are
		## octal once it has said that it is one.
		target: string &log &optional;
		## What else was said, as ``name=value`` with spaces between: ``mode=force clear_mode=all``,
		## ``drive=4 offset=1920``, addresses that are set, who refused.
		details: string &log &optional;
		## Device points asked for (bits or words, as asked), items, or octets.
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
		## Values that were read or written, as words in hexadecimal or as bits, where `MELSEC::log_values` asks for them.
		values: string &log &optional;
		## One more answer to a broadcast request that has a line already.
		again: bool &log &optional;
		## Transactions that the line stands for, where `MELSEC::log_polling` sums them up.
		repeats: count &log &optional;

		## The frame layout.
		layout: FrameInfo;
		## The command, or a stand-in for an unknown one; absent where only a response without one was seen.
		command_info: CommandInfo &optional;
		## What the grammar made of the request.
		asked: PDU &optional;
		## What the grammar made of the response.
		answer: PDU &optional;
		## What else the request said that some need to know.
		asked_more: Particulars &optional;
		## What else the response said.
		answer_more: Particulars &optional;
		## Endpoints of the connection of the response, where that is another one.
		response_id: conn_id &optional;
		## The block of a file in the request, or that it asks for, where the grammar cannot put the file together.
		asked_block: Block &optional;
		## The block in the response.
		answer_block: Block &optional;
		## The request is the first PDU of its side of a connection whose beginning was seen.
		first: bool &default=F;
		## The request went to a group address.
		group: bool &default=F;
		## The request has been believed, so that `request_seen` has run. Frames that prove nothing alone wait for
		## what does.
		believed: bool &default=T;
	};
}

# Numbers in hexadecimal, kept because the same few come again and again.
global hex_words: table[count] of string = table() &default_insert=function(value: count): string
	{
	return to_upper(fmt("%04x", value));
	};

global hex_octets: table[count] of string = table() &default_insert=function(value: count): string
	{
	return to_upper(fmt("%02x", value));
	};

# Fills the columns that the header and the data of a PDU fill. This and `fill_answer` run for every transaction.
function fill(info: Info, pdu: PDU)
	{
	if ( pdu?$serial )
		info$serial = pdu$serial;

	if ( pdu?$network_no )
		info$network = pdu$network_no;

	if ( pdu?$station_no )
		info$station = pdu$station_no;

	if ( pdu?$module_io )
		info$module_io = hex_words[pdu$module_io];

	if ( pdu?$multidrop )
		info$multidrop = pdu$multidrop;

	if ( pdu?$subcommand )
		info$subcommand = hex_words[pdu$subcommand];

	if ( pdu?$target && |pdu$target| > 0 )
		info$target = pdu$target;

	if ( pdu?$details )
		info$details = pdu$details;

	if ( pdu?$points )
		info$points = pdu$points;
	}

# Who answered; the group address where nobody did.
function server_of(transaction: Info): addr
	{
	return transaction?$server ? transaction$server : transaction$id$resp_h;
	}

# Whether the controller refused.
function is_refused(transaction: Info): bool
	{
	return transaction?$answer && transaction$answer?$status && transaction$answer$status != 0;
	}

# When the controller answered; of a response alone that is its own time.
function answered_at(transaction: Info): time
	{
	return transaction?$rtt ? transaction$ts + transaction$rtt : transaction$ts;
	}

# A transaction of a request, before anybody says who takes part.
function begin(ts: time, uid: string, id: conn_id, layout: FrameInfo, asked: PDU): Info
	{
	local command = layout$commands[asked$command];
	local info = Info($ts=ts, $uid=uid, $id=id, $protocol=layout$protocol, $frame=layout$frame,
	    $encoding=layout$encoding, $command=command$code, $operation=command$operation, $class=command$class,
	    $request_len=asked$size, $layout=layout, $command_info=command, $asked=asked);
	fill(info, asked);
	return info;
	}

# A transaction of a response whose request was not seen.
function unasked(ts: time, uid: string, id: conn_id, layout: FrameInfo, answer: PDU): Info
	{
	local info = Info($ts=ts, $uid=uid, $id=id, $protocol=layout$protocol, $frame=layout$frame,
	    $encoding=layout$encoding, $layout=layout, $answer=answer);

	if ( answer?$command )
		{
		local command = layout$commands[answer$command];
		info$command_info = command;
		info$command = command$code;
		info$operation = command$operation;
		info$class = command$class;
		}

	fill(info, answer);
	return info;
	}

# Fills the columns that the response fills.
function fill_answer(info: Info)
	{
	local answer = info$answer;
	info$response_len = answer$size;

	if ( answer?$status )
		{
		# As wide as on the wire.
		info$status = info$layout$digits == 2 ? hex_octets[answer$status] : hex_words[answer$status];

		if ( answer$status in info$layout$statuses )
			info$status_name = info$layout$statuses[answer$status];
		}

	# What was asked about counts, but for a question who that is.
	if ( answer?$target && |answer$target| > 0 && ( ! info?$target || ( info?$class && info$class == "identify" ) ) )
		info$target = answer$target;

	if ( answer?$points && ( ! info?$points || ( info?$class && info$class == "identify" ) ) )
		info$points = answer$points;

	if ( answer?$details && info?$asked )
		info$details = info?$details ? info$details + " " + answer$details : answer$details;
	}

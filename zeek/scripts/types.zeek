##! Records that describe the numbers in MELSEC PDUs. The tables that hold them are generated.

@load base/frameworks/notice

module MELSEC;

export {
	## What a PDU has to fulfil besides being one of certain commands.
	type Meaning: record {
		## Names of operations, classes and protocols, where the commands are not told otherwise.
		operations: set[string] &optional;
		classes: set[string] &optional;
		protocols: set[string] &optional;
		## Numbers of frame layouts, one of which it has.
		frames: set[count] &optional;
		## Fields of the request with their values.
		fields: table[string] of count &optional;
		## Names of end codes, one of which the answer has.
		statuses: set[string] &optional;
		## The answer refuses, with whatever end code.
		failed: bool &default=F;
		## It is the first PDU of its client on a connection whose beginning was seen.
		first: bool &default=F;
		## Matches targets of the request where one of them is a device that is meant.
		devices: pattern &optional;
	};

	## What one engineering operation is.
	type Each: enum {
		## One transaction.
		TRANSACTION,
		## All transactions of a client and a server with no more than an interval between them.
		SESSION,
		## One user of those that a request names.
		USER,
	};

	## What the transfer of a file is called.
	type FileKind: record {
		## Where it is read.
		upload: string;
		## Where it is written.
		download: string;
	};

	## An engineering operation: what a person would call one thing that is done to a controller.
	type Action: record {
		## Its name.
		name: string;
		## Its name where the controller refuses it.
		failed: string &optional;
		## Its name for a user that the controller had before.
		known: string &optional;
		## What one of them is, for those that are no runs.
		each: Each &default=TRANSACTION;
		## What it was about is a field of its own, and not the target.
		by_field: bool &default=F;
		## Interval without a request that ends it.
		idle: interval &default=0sec;
		## Interval in which a run has to have what it asks for.
		within: interval &default=0sec;
		## Requests that a run asks for.
		requests: count &default=0;
		## Different device points that a run asks for.
		points: count &default=0;
		## Kinds of devices that a run asks for.
		devices: count &default=0;
		## What its requests have to fulfil.
		meaning: Meaning &optional;
	};

	## A command.
	type CommandInfo: record {
		## Its code in hex, as wide as on the wire.
		code: string;
		## Name of the operation.
		operation: string;
		## Class of the operation.
		class: string;
		## That nobody answers is normal.
		unanswered: bool &default=F;
		## The controller sends it to its client unasked.
		pushed: bool &default=F;
		## Detections that a request of it raises.
		request_detections: vector of string &optional;
		## Detections that a response to it raises.
		response_detections: vector of string &optional;
		## Detections that only a response raises that refuses it.
		refused_detections: vector of string &optional;
		## The most points, or octets, that a request of it may ask for on any controller.
		most: count &optional;
		## The same in bit units.
		most_bits: count &optional;
		## An engineering operation may come of it: everything below.
		audited: bool &default=F;
		## Operations that one transaction, session or user of it is.
		actions: vector of string &optional;
		## Operations that many of its transactions together are.
		runs: vector of Action &optional;
		## The operation of which it is the first step: a login names the user.
		names: string &optional;
		## The operation of which it is the second step: a login proves who the user is.
		proves: string &optional;
		## Its request or its answer names users of the controller.
		tells_users: bool &default=F;
		## Octets of content that each of its points stands for.
		content: count &default=0;
	};

	## How often something has to happen to mean something.
	type Threshold: record {
		## How often.
		n: count;
		## In what time.
		within: interval;
		## What has to differ from one time to the next: ``user``, ``target``, ``client``, ``server`` or ``command``.
		distinct: string &optional;
		## The interval begins with the first of those that are counted, and the next one with the first after it.
		fixed: bool &default=F;
		## Whose times are counted together: those of a ``client``, of a ``server``, or of a ``pair`` of them. Each has
		## a count of its own; the first that is full speaks for all.
		per: vector of string;
	};

	## A device.
	type DeviceInfo: record {
		## Symbol, such as ``D``.
		symbol: string;
		## Numbers are written in hexadecimal.
		hexadecimal: bool;
		## A bit device.
		bit: bool;
	};

	## A frame layout.
	type FrameInfo: record {
		## Protocol that the frame belongs to.
		protocol: string;
		## Name of the frame: ``1E``, ``3E``, ``4E``, ``LMT``, ``EMT``, ``4C``, ``57``, ``5A``.
		frame: string;
		## ``binary`` or ``ascii``.
		encoding: string;
		## Width of command code and end code in hex digits.
		digits: count;
		## Too short to prove the protocol alone.
		weak: bool;
		## Without anything in the header that says how long it is: only an answer of the right size proves it.
		bare: bool;
		## Never answered: the frame has no response.
		one_way: bool;
		## Commands by code.
		commands: table[count] of CommandInfo;
		## Devices by code.
		devices: table[count] of DeviceInfo;
		## Names of end codes.
		statuses: table[count] of string;
		## Bits of the sub-command that ask for bit units.
		bit_units: count;
	};

	## A CPU or module model.
	type ModelInfo: record {
		## Name as the controller answers it.
		name: string;
		## Series, such as ``iQ-R``.
		series: string;
	};

	## A detection of the definition.
	type Detection: record {
		## Notice type.
		note: Notice::Type;
		## What happened, in one line.
		title: string;
		## ``informational`` to ``critical``.
		severity: string;
		## Techniques of ATT&CK for ICS.
		attack: vector of string;
		## Interval in which the same pair raises it once.
		suppress: interval;
		## What its PDUs have to fulfil: one of these.
		meanings: vector of Meaning &optional;
		## How often that has to happen.
		threshold: Threshold &optional;
	};

	## The same for commands that the definition does not have.
	const unknown_request_detections: vector of string = vector() &redef;
	const unknown_response_detections: vector of string = vector() &redef;
	const unknown_refused_detections: vector of string = vector() &redef;

	## A stable stand-in for a command that the definition does not have.
	##
	## code: The code, of four hex digits.
	global unknown_command: function(code: count): CommandInfo;

	## The same for a code of two hex digits.
	##
	## code: The code.
	global unknown_short_command: function(code: count): CommandInfo;
}

function stand_in(code: string): CommandInfo
	{
	return CommandInfo($code=code, $operation=fmt("unknown-%s", code), $class="unknown",
	    $request_detections=unknown_request_detections, $response_detections=unknown_response_detections,
	    $refused_detections=unknown_refused_detections);
	}

function unknown_command(code: count): CommandInfo
	{
	return stand_in(to_upper(fmt("%04x", code)));
	}

function unknown_short_command(code: count): CommandInfo
	{
	return stand_in(to_upper(fmt("%02x", code)));
	}

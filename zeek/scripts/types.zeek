##! Records that describe the numbers in MELSEC PDUs. The tables that hold them are generated.

@load base/frameworks/notice

module MELSEC;

export {
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
		## Detections that a request of it raises.
		request_detections: vector of string &optional;
		## Detections that a response to it raises.
		response_detections: vector of string &optional;
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
		## Interval in which the same pair raises it once.
		suppress: interval;
	};

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
	return CommandInfo($code=code, $operation=fmt("unknown-%s", code), $class="unknown");
	}

function unknown_command(code: count): CommandInfo
	{
	return stand_in(to_upper(fmt("%04x", code)));
	}

function unknown_short_command(code: count): CommandInfo
	{
	return stand_in(to_upper(fmt("%02x", code)));
	}

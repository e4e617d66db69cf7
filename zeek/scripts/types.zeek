##! Records that describe the numbers in MELSEC PDUs. The tables that hold them are generated.

@load base/frameworks/notice

module MELSEC;

export {
	## A frame layout.
	type FrameInfo: record {
		## Protocol that the frame belongs to.
		protocol: string;
		## Name of the frame: ``3E``, ``4E``, ``57``, ``5A``.
		frame: string;
		## ``binary`` or ``ascii``.
		encoding: string;
		## Width of the command code in hex digits.
		digits: count;
		## Too short to prove the protocol alone.
		weak: bool;
		## Numbering of device codes.
		devices: string;
		## Numbering of end codes.
		statuses: string;
		## Sub-command bit that asks for bit units.
		bit_units: count;
	};

	## A command.
	type CommandInfo: record {
		## Name of the operation.
		operation: string;
		## Class of the operation.
		class: string;
		## No answer is normal.
		unanswered: bool &default=F;
		## Detections that this command raises.
		detections: vector of string &optional;
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
		## Half of the transaction that raises it.
		direction: string;
		## Interval in which the same pair raises it once.
		suppress: interval;
	};
}

##! Devices by the texts that the grammar writes: `D100`, `X1F`.

@load ./consts
@load ./types

module MELSEC;

global devices_by_symbol: table[string] of DeviceInfo;

event zeek_init()
	{
	for ( _, frame in frames )
		{
		for ( _, device in frame$devices )
			devices_by_symbol[device$symbol] = device;
		}
	}

# The kind of a device, such as ``D`` of D100; empty where it is none.
function symbol_of(point: string): string
	{
	local size = |point| < 4 ? |point| : 4;

	while ( size > 0 )
		{
		if ( point[:size] in devices_by_symbol )
			return point[:size];

		--size;
		}

	return "";
	}

# A number at the beginning of a text, behind the kind of its device.
function number_of(point: string, symbol: string): count
	{
	local hexadecimal = devices_by_symbol[symbol]$hexadecimal;
	local found = match_pattern(point[|symbol|:], hexadecimal ? /^[0-9A-F]+/ : /^[0-9]+/);
	return found$matched ? to_count(found$str, hexadecimal ? 16 : 10) : 0;
	}

# Whether a text is one device of a kind, and nothing else.
function is_device(point: string, symbol: string): bool
	{
	return symbol != "" && starts_with(point, symbol) &&
	    ( devices_by_symbol[symbol]$hexadecimal ? /^[0-9A-F]+$/ : /^[0-9]+$/ ) in point[|symbol|:];
	}

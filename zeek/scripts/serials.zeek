##! Serial numbers of requests: a client that counts them does not use one again while the request waits that has it.

@load ./types
@load ./consts
@load ./info
@load ./connections

module MELSEC;

# The serial numbers of one side of a connection.
type Serials: record {
	# The last one.
	last: count;
	# It was one more than that before it.
	counts: bool &default=F;
};

redef record State += {
	orig_serials: Serials &optional;
	resp_serials: Serials &optional;
};

# Whether two requests ask for different things, as far as scripts get to know it.
function asks_else(one: PDU, other: PDU): bool
	{
	return one$command != other$command || one$size != other$size ||
	    ( one?$subcommand ? one$subcommand : 0 ) != ( other?$subcommand ? other$subcommand : 0 ) ||
	    ( one?$target ? one$target : "" ) != ( other?$target ? other$target : "" ) ||
	    ( one?$details ? one$details : "" ) != ( other?$details ? other$details : "" );
	}

# Whether a request has the number of one that waits for its answer, and asks for something else.
function is_reused(state: State, request: Info): bool
	{
	for ( _, waiting in state$pending )
		{
		if ( waiting$client == request$client && waiting$asked$frame == request$asked$frame &&
		     waiting$asked?$serial && waiting$asked$serial == request$asked$serial &&
		     request$ts - waiting$ts < request_timeout )
			return asks_else(waiting$asked, request$asked);
		}

	return F;
	}

# Follows the serial numbers of a side before its request joins those that wait. ``server`` is who is asked.
function follow_serial(state: State, is_orig: bool, request: Info, server: addr)
	{
	local serial = request$asked$serial;

	if ( is_orig ? ! state?$orig_serials : ! state?$resp_serials )
		{
		if ( is_orig )
			state$orig_serials = Serials($last=serial);
		else
			state$resp_serials = Serials($last=serial);

		return;
		}

	local before = is_orig ? state$orig_serials : state$resp_serials;

	# Only where answers are seen to come can be told that one is missing.
	if ( before$counts && ( is_orig ? state$resp_spoke : state$orig_spoke ) && is_unbroken(state, request$ts) &&
	     is_reused(state, request) )
		hook happened(Happening($name="serial-reuse", $ts=request$ts, $uid=request$uid, $id=request$id,
		    $client=request$client, $server=server, $what=request$operation));

	before$counts = ( serial == ( before$last + 1 ) % 65536 );
	before$last = serial;
	}

##! Runs: requests of a client to a controller that together are one thing, such as an online change.

@load ./types
@load ./consts
@load ./device-names
@load ./info
@load ./meanings
@load ./operations
@load ./sessions

module MELSEC;

export {
	## Runs that are followed at a time; another one ends for each beyond it.
	option max_tracked_runs = 4096;

	## Kinds of devices, or targets, that are named as the object of a run.
	option max_run_names = 16;
}

# Targets of a run that were taken apart are remembered up to so many.
const max_run_targets = 256;

# Devices of which one number says which were seen.
const stretch = 32;
const whole_stretch = 0xffffffff;

# A stretch of devices, from a multiple of its length on.
type Stretch: record {
	symbol: string;
	place: count;
};

# A run. Until it has what its action asks for it is none yet.
type Run: record {
	action: Action;
	operation: Operation;
	last: time;
	begun: bool &default=F;
	requests: count &default=0;
	refused: bool &default=F;
	# What it was about, in the order in which it was seen. What was refused covers nothing.
	devices: set[string] &default=set() &ordered;
	names: set[string] &default=set() &ordered;
	targets: set[string] &default=set();
	covered: count &default=0;
	stretches: table[Stretch] of count &default=table();
};

# The devices of a target.
type Devices: record {
	symbol: string;
	first: count;
	n: count;
};

# What stands behind the last backslash, which a module, a network or a folder stands in front of.
function last_part(text: string): string
	{
	if ( "\\" !in text )
		return text;

	local parts = split_string(text, /\\/);
	return parts[|parts| - 1];
	}

# The devices that one part of a target means, as the grammar writes it: ``D100-D109``, ``U3E0\G10``, ``unknown-FE/100``.
function devices_in(part: string): Devices
	{
	local text = last_part(part);

	if ( starts_with(text, "unknown-") )
		return Devices($symbol=split_string1(text[8:], /\//)[0], $first=0, $n=1);

	local symbol = symbol_of(text);

	if ( symbol == "" )
		return Devices($symbol="", $first=0, $n=0);

	local ends = split_string(text, /-/);
	local first = number_of(ends[0], symbol);
	local last = |ends| > 1 ? number_of(ends[1], symbol) : first;
	return Devices($symbol=symbol, $first=first, $n=last >= first ? last - first + 1 : 1);
	}

# How many bits of a number are set.
function bits_of(number: count): count
	{
	local bits = 0;

	while ( number > 0 )
		{
		number = number & ( number - 1 );
		++bits;
		}

	return bits;
	}

# Counts devices, each once, until there are enough.
function cover(run: Run, devices: Devices)
	{
	local at = devices$first;
	local end = at + devices$n;

	while ( at < end && run$covered < run$action$points )
		{
		local start = at % stretch;
		local here = stretch - start < end - at ? stretch - start : end - at;
		local mask = ( ( 1 << here ) - 1 ) << start;
		local index = Stretch($symbol=devices$symbol, $place=at / stretch);
		local before = index in run$stretches ? run$stretches[index] : 0;
		local fresh = mask & ( before ^ whole_stretch );
		run$stretches[index] = before | mask;
		run$covered += fresh == whole_stretch ? stretch : bits_of(fresh);
		at += here;
		}
	}

# Takes up the devices of a request.
function take_devices(run: Run, target: string)
	{
	local kinds = max_run_names + run$action$devices;

	for ( _, part in split_string(target, /,/) )
		{
		local devices = devices_in(part);

		if ( devices$symbol == "" )
			next;

		if ( |run$devices| <= kinds )
			add run$devices[devices$symbol];

		if ( run$action$points > 0 )
			cover(run, devices);
		}
	}

# The names that a run is about.
function named(run: Run): string
	{
	local names: vector of string;

	if ( |run$devices| > 0 )
		{
		for ( device in run$devices )
			names += device;
		}
	else
		{
		for ( name in run$names )
			names += name;
		}

	if ( |names| <= max_run_names )
		return join_string_vec(names, ",");

	return join_string_vec(names[:max_run_names], ",") + fmt(",+%d", |names| - max_run_names);
	}

function end_run(run: Run)
	{
	if ( ! run$begun )
		return;

	local operation = run$operation;
	local object = named(run);
	operation$requests = run$requests;

	if ( object != "" )
		operation$object = object;

	name_user(operation);
	hook operation_done(operation);
	}

function run_expired(runs: table[string, addr, addr] of Run, name: string, client: addr, server: addr): interval
	{
	local run = runs[name, client, server];
	local rest = run$action$idle - ( network_time() - run$last );

	# More than a moment, so that a table that is looked at now and then does not do it all the time.
	if ( rest >= 0sec )
		return rest + 1sec;

	end_run(run);
	return 0sec;
	}

# Stands for the run of those who have none.
global no_run = Run($action=Action($name=""), $last=double_to_time(0.0), $operation=Operation(
    $ts=double_to_time(0.0), $uid="", $id=conn_id($orig_h=0.0.0.0, $orig_p=0/udp, $resp_h=0.0.0.0, $resp_p=0/udp),
    $server=0.0.0.0, $protocol="", $action=""));

global runs: table[string, addr, addr] of Run = table() &default=no_run &create_expire=10sec &expire_func=run_expired;

function begin_run(action: Action, transaction: Info, server: addr): Run
	{
	local client = transaction$client;

	if ( |runs| >= max_tracked_runs && [action$name, client, server] !in runs )
		{
		for ( [n, c, s] in runs )
			break;

		end_run(runs[n, c, s]);
		delete runs[n, c, s];
		}

	local operation = Operation($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $client=client,
	    $server=server, $protocol=transaction$protocol, $action=action$name);
	local run = Run($action=action, $operation=operation, $last=transaction$ts);

	# Whose it is will be asked for at the end.
	if ( transaction?$asked_more && transaction$asked_more?$session )
		operation$session = transaction$asked_more$session;

	runs[action$name, client, server] = run;
	return run;
	}

# Takes up what a request was about.
function take_object(run: Run, transaction: Info)
	{
	local asked = transaction$asked;
	local target: string = asked$target;

	if ( |target| == 0 )
		return;

	if ( ! asked?$device_code )
		{
		if ( |run$devices| > 0 || |run$names| > max_run_names )
			return;

		for ( _, part in split_string(target, /,/) )
			add run$names[last_part(part)];

		return;
		}

	if ( is_refused(transaction) )
		return;

	# Where devices are counted each has to be looked at; where kinds are, the same target tells nothing new.
	if ( run$action$points == 0 && |run$targets| < max_run_targets )
		add run$targets[target];

	take_devices(run, target);
	}

# Counts a transaction for the run that it is part of, or may become part of. Polling comes by here: a transaction may
# stand for several equal ones, up to the last of them.
function follow_run(action: Action, transaction: Info, times: count, last: time)
	{
	if ( action?$meaning && ! is_meant(action$meaning, transaction) )
		return;

	local ts = transaction$ts;
	local server = transaction?$server ? transaction$server : transaction$id$resp_h;
	local run = runs[action$name, transaction$client, server];

	# None, one that is over, or one that had too little in too long a time.
	if ( ts - run$last > action$idle || ( ! run$begun && ts - run$operation$ts > action$within ) )
		{
		end_run(run);
		run = begin_run(action, transaction, server);
		}

	run$requests += times;

	if ( last > run$last )
		run$last = last;

	local operation = run$operation;

	# The first end code that refused, else the last one.
	if ( transaction?$status && ! run$refused &&
	     ( ! operation?$status || operation$status != transaction$status ) )
		{
		run$refused = is_refused(transaction);
		operation$status = transaction$status;
		delete operation$status_name;

		if ( transaction?$status_name )
			operation$status_name = transaction$status_name;
		}

	# What is watched again and again has been seen by now.
	if ( run$begun && action$requests > 0 )
		return;

	local asked = transaction$asked;

	if ( asked?$target && asked$target !in run$targets )
		take_object(run, transaction);

	if ( transaction$command_info$content > 0 && asked?$points )
		{
		local octets = asked$points * transaction$command_info$content * times;
		operation$bytes = operation?$bytes ? operation$bytes + octets : octets;
		}

	if ( ! run$begun && run$requests >= action$requests && run$covered >= action$points &&
	     |run$devices| >= action$devices )
		{
		run$begun = T;
		hook operation_begun(operation);
		}
	}

event zeek_done() &priority=-5
	{
	for ( _, run in runs )
		end_run(run);
	}

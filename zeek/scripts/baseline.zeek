##! What is usual between two hosts, and what is new: what was never seen while the sensor learned, and what the baseline
##! of the site's policy does not name. Without such a baseline nothing is.
##!
##! Targets of lines in the log are taken as they are: `D100-D199` is a range of devices, of which the lowest and the
##! highest number are remembered.

@load ./connections
@load ./device-names
@load ./info
@load ./meeting
@load ./policy
@load ./policy-file
@load ./verdicts

module MELSEC;

export {
	## What was asked, for what is usual.
	type Asking: record {
		## When.
		ts: time;
		## Connection.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Who asked, and whom.
		client: addr;
		server: addr;
		## The operation; empty where it is not known.
		operation: string;
		## What it was about, as in the log.
		target: string;
	};

	## Tells the place where the baseline is kept of something that a worker has not seen before. For use between the
	## nodes of a cluster.
	##
	## asking: What that is.
	##
	## ts: When it became known.
	global asked_something: event(asking: Asking, ts: time);

	## Operations and kinds of targets that are remembered as usual; when there are more, nothing is new any more.
	option max_usual = 65536;
}

# The lowest and the highest number of a kind of devices; a name that is no device has none.
type TargetRange: record {
	kind: string;
	first: count &default=0;
	last: count &default=0;
};

# What is usual: all that is between two hosts, all that an operation is about, or ranges.
type Usual: record {
	pairs: set[addr, addr] &default=set();
	everything: set[addr, addr] &default=set();
	operations: set[addr, addr, string] &default=set();
	anything: set[addr, addr, string] &default=set();
	ranges: table[addr, addr, string, string] of TargetRange &default=table();
};

global told_usual = Usual();
global learned_usual = Usual();

# What this node has asked about: it is not asked about again.
global passed_on: set[addr, addr, string, string] = set();

function range_of(item: string): TargetRange
	{
	local where = "";
	local devices = item;
	local at = rfind_str(item, "\\");

	if ( at >= 0 )
		{
		where = item[:at + 1];
		devices = item[at + 1:];
		}

	local ends = split_string1(devices, /-/);
	local symbol = symbol_of(ends[0]);

	for ( _, end in ends )
		{
		if ( ! is_device(end, symbol) )
			return TargetRange($kind=item);
		}

	return TargetRange($kind=where + symbol, $first=number_of(ends[0], symbol), $last=number_of(ends[|ends| - 1], symbol));
	}

function is_usual(usual: Usual, client: addr, server: addr, operation: string, found: TargetRange): bool
	{
	if ( [client, server, operation, found$kind] !in usual$ranges )
		return F;

	local within = usual$ranges[client, server, operation, found$kind];
	return within$first <= found$first && found$last <= within$last;
	}

function make_usual(usual: Usual, client: addr, server: addr, operation: string, found: TargetRange)
	{
	if ( [client, server, operation, found$kind] !in usual$ranges )
		{
		usual$ranges[client, server, operation, found$kind] = found;
		return;
		}

	local within = usual$ranges[client, server, operation, found$kind];

	if ( found$first < within$first )
		within$first = found$first;

	if ( found$last > within$last )
		within$last = found$last;
	}

# Whether an operation, or what it is about, was never seen between two hosts; from now on it was.
function is_new(asking: Asking): bool
	{
	local client = asking$client;
	local server = asking$server;
	local operation = asking$operation;

	if ( [client, server, operation] in told_usual$anything )
		return F;

	local found = [client, server, operation] !in told_usual$operations &&
	    [client, server, operation] !in learned_usual$operations;
	add learned_usual$operations[client, server, operation];

	for ( _, item in split_string(asking$target, /,/) )
		{
		# How many more there are is no target.
		if ( item == "" || item[0] == "+" )
			next;

		local one = range_of(item);

		if ( ! is_usual(told_usual, client, server, operation, one) &&
		     ! is_usual(learned_usual, client, server, operation, one) )
			{
			found = T;
			make_usual(learned_usual, client, server, operation, one);
			}
		}

	return found;
	}

function judge_asking(asking: Asking)
	{
	if ( ! site_policy()$has_baseline || [asking$client, asking$server] in told_usual$everything ||
	     |learned_usual$operations| + |learned_usual$ranges| >= max_usual )
		return;

	local known = [asking$client, asking$server] in told_usual$pairs ||
	    [asking$client, asking$server] in learned_usual$pairs;
	add learned_usual$pairs[asking$client, asking$server];
	local changed = asking$operation != "" && is_new(asking);

	if ( site_policy()$learn_until > 0 && double_to_int(floor(time_to_double(asking$ts))) < site_policy()$learn_until )
		return;

	if ( known && ! changed )
		return;

	local what = asking$target == "" ? asking$operation : fmt("%s %s", asking$operation, asking$target);
	raise_violation(known ? "new-operation" : "new-conversation", Cause($detection="", $ts=asking$ts, $uid=asking$uid,
	    $id=asking$id, $client=asking$client, $server=asking$server, $what=what),
	    cat(asking$client, asking$server));
	}

event asked_something(asking: Asking, ts: time)
	{
	in_order(ts, function [asking]()
		{
		judge_asking(asking);
		});
	}

hook transaction_done(transaction: Info)
	{
	if ( ! site_policy()$has_baseline || ! transaction?$client || ! transaction?$server )
		return;

	local client = transaction$client;
	local server = transaction$server;

	# What comes unasked comes from the controller: who would be the server is its client.
	if ( transaction?$command_info && transaction$command_info$pushed )
		{
		client = transaction$server;
		server = transaction$client;
		}

	local operation = transaction?$operation ? transaction$operation : "";
	local target = transaction?$target ? transaction$target : "";

	if ( [client, server, operation, target] in passed_on )
		return;

	if ( |passed_on| >= max_usual )
		clear_table(passed_on);

	add passed_on[client, server, operation, target];
	local asking = Asking($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $client=client, $server=server,
	    $operation=operation, $target=target);
	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, asked_something, asking, network_time()) )
		judge_asking(asking);
	}

hook policy_changed(policy: Policy)
	{
	told_usual = Usual();

	for ( _, one in policy$usual )
		{
		add told_usual$pairs[one$client, one$server];

		if ( one$operation == "" )
			add told_usual$everything[one$client, one$server];
		else
			add told_usual$operations[one$client, one$server, one$operation];

		if ( one$operation != "" && one$anything )
			add told_usual$anything[one$client, one$server, one$operation];
		else if ( one$operation != "" )
			make_usual(told_usual, one$client, one$server, one$operation,
			    TargetRange($kind=one$kind, $first=one$first, $last=one$last));
		}

	# What is usual may be another by now.
	clear_table(passed_on);
	}

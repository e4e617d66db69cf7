##! The policy of a site: who may do what to which controller, when, and which way.
##!
##! Names and hours become look-ups and offset transitions when a policy is compiled; `judge` answers what
##! `melsec-nsm policy explain` answers, by the time of packets. Which policy is in force: policy-file.zeek.

@load ./consts
@load ./types

module MELSEC;

export {
	## A host of the policy.
	type PolicyHost: record {
		## Its name.
		name: string;
		## Name of its role.
		role: string;
		## It may speak to all controllers.
		all: bool;
	};

	## A controller of the policy.
	type PolicyController: record {
		## Its name.
		name: string;
		## Ports that it answers on, such as ``5562/tcp``; empty for any.
		ports: set[string];
	};

	## A maintenance window.
	type PolicyWindow: record {
		## Its name.
		name: string;
		## Minutes of the week in which it is open, from Monday 00:00: first and (exclusive) last ones in turn.
		spans: vector of int;
		## Seconds since the epoch between which it is valid.
		begins: int;
		ends: int;
	};

	## An approved change of a file.
	type PolicyChange: record {
		## Its ticket.
		ticket: string;
		## Digest of the file.
		sha256: string;
		## Seconds since the epoch between which it is valid.
		begins: int;
		ends: int;
	};

	## How a detection is other than as shipped.
	type PolicyTuning: record {
		## It is raised for nobody.
		off: bool;
		## Names of hosts for which it is not raised.
		hosts: set[string];
		## How often something has to happen, and in what time; 0 as the definition has it.
		n: count;
		within: interval;
	};

	## What is usual between two hosts beforehand.
	type PolicyUsual: record {
		## Who asks, and whom.
		client: addr;
		server: addr;
		## The operation; empty for all.
		operation: string;
		## Anything is usual that the operation is about.
		anything: bool;
		## A kind of what it is about, and the lowest and the highest number of that.
		kind: string;
		first: count;
		last: count;
	};

	## What is allowed at a site.
	type Policy: record {
		## Name of the site.
		site: string &default="";
		## Hosts by their networks.
		hosts: table[subnet] of PolicyHost &default=table();
		## Names of other hosts, and of the controllers that they may speak to.
		pairs: set[string, string] &default=set();
		## Controllers by address.
		controllers: table[addr] of PolicyController &default=table();
		## Names of zones by their networks.
		zones: table[subnet] of string &default=table();
		## Zones of a client and of a controller between which cleartext is allowed.
		paths: set[string, string] &default=set();
		## Classes of commands that roles may use.
		roles: table[string] of set[string] &default=table();
		## Windows by controller and operation.
		windows: table[string, string] of vector of PolicyWindow &default=table();
		## Changes by controller and name of the file, in upper case.
		changes: table[string, string] of vector of PolicyChange &default=table();
		## How detections are other than as shipped, by their ids.
		tunings: table[string] of PolicyTuning &default=table();
		## What is new is told of.
		has_baseline: bool &default=F;
		## Seconds since the epoch until which what is seen is learned.
		learn_until: int &default=0;
		## What is usual beforehand.
		usual: vector of PolicyUsual &default=vector();
		## Operations that need a window, and those whose file needs a change.
		need_window: set[string] &default=set();
		need_change: set[string] &default=set();
		## From when on (seconds since the epoch) the clocks of the site are how many seconds ahead of UTC.
		since: vector of int &default=vector();
		offsets: vector of int &default=vector();
	};

	## What is judged: a transaction or an engineering operation, once it is known who took part.
	type PolicyRequest: record {
		## When it began.
		ts: time;
		## Who asked; absent where only the answer to a broadcast was seen.
		client: addr &optional;
		## The controller; absent where nobody answered a broadcast.
		server: addr &optional;
		## Its port, such as ``5562/tcp``; empty where it is unknown.
		server_port: string &default="";
		## Classes of the commands.
		classes: set[string] &default=set();
		## Somebody answered.
		answered: bool &default=T;
		## The engineering operation.
		action: string &default="";
		## Name of a file that was written, without drive and folders.
		file_name: string &optional;
		## Its digest; absent where octets of it are missing.
		sha256: string &optional;
	};

	## What the policy says of it.
	type PolicyVerdict: record {
		## Ids of the detections that it raises.
		violations: vector of string &default=vector();
		## Role of the client.
		role: string &default="";
		## The window that it falls into.
		window: string &default="";
		## The change that approves it.
		change: string &default="";
	};

	## What a policy says of a transaction or an operation. Who, when, which way, what: each question has an answer of
	## its own, so that what one violates does not hide what another does.
	##
	## policy: The policy.
	##
	## request: What is judged.
	##
	## Returns: What it says.
	global judge: function(policy: Policy, request: PolicyRequest): PolicyVerdict;
}

# Minute of the week by the clocks of the site.
function minute_of_week(policy: Policy, second: int): int
	{
	local low = 0;
	local high = |policy$since|;

	# The last transition that is not in the future; the first holds before it as well.
	while ( low + 1 < high )
		{
		local middle = ( low + high ) / 2;

		if ( policy$since[middle] <= second )
			low = middle;
		else
			high = middle;
		}

	local shown = second + policy$offsets[low];
	# The epoch was on a Thursday.
	return ( ( shown / 86400 + 3 ) % 7 ) * 1440 + ( shown % 86400 ) / 60;
	}

function is_open(window: PolicyWindow, second: int, minute: int): bool
	{
	if ( second < window$begins || second >= window$ends )
		return F;

	for ( place, start in window$spans )
		{
		if ( place % 2 == 0 && start <= minute && minute < window$spans[place + 1] )
			return T;
		}

	return F;
	}

# Whether an address means the same everywhere in the world.
function is_public(party: addr): bool
	{
	return party !in internal_networks;
	}

# Zone of an address; empty where it is in none.
function zone_of(policy: Policy, party: addr): string
	{
	return party in policy$zones ? policy$zones[party] : "";
	}

# What is wrong with who asks whom; empty where nothing is.
function judge_client(policy: Policy, request: PolicyRequest): string
	{
	if ( request$client !in policy$hosts )
		return "host-not-allowed";

	local host = policy$hosts[request$client];
	local known = request?$server && request$server in policy$controllers;

	if ( request?$server && ( known || ! request$answered ) )
		{
		if ( ! known || ( ! host$all && [host$name, policy$controllers[request$server]$name] !in policy$pairs ) )
			return "controller-not-allowed";
		}

	local allowed = policy$roles[host$role];

	for ( class in request$classes )
		{
		if ( class !in allowed )
			return "role-not-allowed";
		}

	return "";
	}

# The same for the way that is taken.
function judge_way(policy: Policy, client: addr, server: addr): string
	{
	local from = zone_of(policy, client);
	local to = zone_of(policy, server);

	if ( ( from == "" && is_public(client) ) || ( to == "" && is_public(server) ) )
		return "public-address";

	return [from, to] in policy$paths ? "" : "outside-path";
	}

# Name of the window that is open for an operation; empty where none is.
function window_for(policy: Policy, controller: string, action: string, second: int): string
	{
	if ( [controller, action] !in policy$windows )
		return "";

	local minute = minute_of_week(policy, second);

	for ( _, window in policy$windows[controller, action] )
		{
		if ( is_open(window, second, minute) )
			return window$name;
		}

	return "";
	}

# Ticket of the change that approves the content of a file; empty where none does.
function change_for(policy: Policy, controller: string, request: PolicyRequest, second: int): string
	{
	local file_name = to_upper(request$file_name);

	if ( ! request?$sha256 || [controller, file_name] !in policy$changes )
		return "";

	for ( _, change in policy$changes[controller, file_name] )
		{
		if ( change$sha256 == request$sha256 && change$begins <= second && second < change$ends )
			return change$ticket;
		}

	return "";
	}

# Whether the policy does not want to hear of a detection of a host.
function is_spared(policy: Policy, name: string, host: string): bool
	{
	return name in policy$tunings && ( policy$tunings[name]$off || host in policy$tunings[name]$hosts );
	}

# Adds a violation, unless the policy does not want to hear of it.
function violated(policy: Policy, verdict: PolicyVerdict, name: string, host: string)
	{
	if ( name != "" && ! is_spared(policy, name, host) )
		verdict$violations += name;
	}

function judge(policy: Policy, request: PolicyRequest): PolicyVerdict
	{
	local verdict = PolicyVerdict();
	local second = double_to_int(floor(time_to_double(request$ts)));
	local host = "";
	local controller = "";

	if ( request?$client )
		{
		if ( request$client in policy$hosts )
			{
			host = policy$hosts[request$client]$name;
			verdict$role = policy$hosts[request$client]$role;
			}

		violated(policy, verdict, judge_client(policy, request), host);
		}

	if ( ! request?$server )
		return verdict;

	local known = request$server in policy$controllers;

	if ( known )
		controller = policy$controllers[request$server]$name;
	else if ( request$answered )
		violated(policy, verdict, "unknown-controller", host);

	# Windows and changes are those of a controller: of one that nobody knows there is nothing more to say.
	if ( known && request$action in policy$need_window )
		{
		verdict$window = window_for(policy, controller, request$action, second);

		if ( verdict$window == "" )
			violated(policy, verdict, "outside-window", host);
		}

	if ( request?$client )
		violated(policy, verdict, judge_way(policy, request$client, request$server), host);

	if ( known && request$server_port != "" )
		{
		local ports = policy$controllers[request$server]$ports;

		if ( |ports| > 0 && request$server_port !in ports )
			violated(policy, verdict, "unexpected-port", host);
		}

	if ( known && request?$file_name && request$action in policy$need_change )
		{
		verdict$change = change_for(policy, controller, request, second);

		if ( verdict$change == "" )
			violated(policy, verdict, "unapproved-program", host);
		}

	return verdict;
	}

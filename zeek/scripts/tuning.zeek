##! How detections are other than as the definition has them: switched off, not raised for some clients, with other
##! thresholds. The options of this script say so, and the policy of the site; where both do, the policy.

@load ./detections
@load ./policy
@load ./policy-file
@load ./types

module MELSEC;

export {
	## Detections that are not to be raised.
	option disabled_detections: set[string] = {};

	## Clients for which a detection is not raised, by its id. What they do is not counted either.
	option excepted_clients: table[string] of set[subnet] = {};

	## How often something has to happen to raise a detection that counts, by its id.
	option threshold_counts: table[string] of count = {};

	## In what time that has to happen, by the id of the detection.
	option threshold_intervals: table[string] of interval = {};

	## How long a detection is not repeated, by its id.
	option suppress_intervals: table[string] of interval = {};
}

# What the policy says of detections, none without one: it is asked for each request.
global policy_tunings: table[string] of PolicyTuning = table();

hook policy_changed(policy: Policy)
	{
	policy_tunings = policy$tunings;
	}

# Whether a detection is raised for a client; `client` is empty where nobody asked.
function is_wanted(name: string, client: vector of addr): bool
	{
	if ( name !in detections || name in disabled_detections )
		return F;

	for ( _, address in client )
		{
		if ( name in excepted_clients && address in excepted_clients[name] )
			return F;
		}

	if ( name !in policy_tunings )
		return T;

	local host = "";

	for ( _, address in client )
		{
		if ( address in site_policy()$hosts )
			host = site_policy()$hosts[address]$name;
		}

	return ! is_spared(site_policy(), name, host);
	}

# The threshold of a detection that counts.
function threshold_of(name: string): Threshold
	{
	local threshold = detections[name]$threshold;
	local tuned = name in policy_tunings;

	if ( name !in threshold_counts && name !in threshold_intervals && ! tuned )
		return threshold;

	threshold = copy(threshold);

	if ( name in threshold_counts )
		threshold$n = threshold_counts[name];

	if ( name in threshold_intervals )
		threshold$within = threshold_intervals[name];

	if ( tuned && policy_tunings[name]$n > 0 )
		threshold$n = policy_tunings[name]$n;

	if ( tuned && policy_tunings[name]$within > 0sec )
		threshold$within = policy_tunings[name]$within;

	return threshold;
	}

# How long a detection is not repeated.
function suppress_interval_of(name: string): interval
	{
	return name in suppress_intervals ? suppress_intervals[name] : detections[name]$suppress;
	}

# How long what was counted is of use.
function count_expiry(): interval
	{
	local longest = longest_count;

	for ( _, within in threshold_intervals )
		{
		if ( within > longest )
			longest = within;
		}

	for ( _, tuning in policy_tunings )
		{
		if ( tuning$within > longest )
			longest = tuning$within;
		}

	return longest + 1min;
	}

# A misspelt id would leave a detection as it is without a word.
event zeek_init()
	{
	local named: set[string];

	for ( name in disabled_detections )
		add named[name];

	for ( name in excepted_clients )
		add named[name];

	for ( name in threshold_counts )
		add named[name];

	for ( name in threshold_intervals )
		add named[name];

	for ( name in suppress_intervals )
		add named[name];

	for ( name in named )
		{
		if ( name !in detections )
			Reporter::warning(fmt("MELSEC: there is no detection %s to be tuned", name));
		}

	for ( name in threshold_counts )
		{
		if ( name in detections && ! detections[name]?$threshold )
			Reporter::warning(fmt("MELSEC: the detection %s does not count", name));
		}
	}

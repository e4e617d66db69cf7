##! X and Y of controllers that number them in octal.
##!
##! The wire carries the linear number, which the grammar writes in hexadecimal as most series do. Which series a
##! controller belongs to is learnt from its answers to type name requests, on a cluster by all workers.

@load base/frameworks/cluster
@load ./types
@load ./consts
@load ./connections
@load ./info
@load ./meeting

module MELSEC;

export {
	## Series whose X and Y are numbered in octal.
	const octal_series = { "iQ-F", "FX" } &redef;

	## Controllers of these series that are remembered, each until nobody has read its devices for a day.
	option max_tracked_servers = 10000;

	## Tells other nodes how a controller numbers X and Y. For use between the nodes of a cluster.
	##
	## server: The controller.
	##
	## octal_numbers: Whether that is in octal.
	global numbering_learnt: event(server: addr, octal_numbers: bool);
}

# Controllers known to number X and Y in octal.
global octal_servers: set[addr] &read_expire=1day;

# Targets as they were, and in octal: the same few come again and again.
global octal_targets: table[string] of string &read_expire=10min;

# Series by model name.
global series_by_name: table[string] of string;

event zeek_init()
	{
	for ( _, model in models )
		series_by_name[model$name] = model$series;
	}

# Takes up how a controller numbers. Returns whether that is new.
function learn_numbering(server: addr, octal_numbers: bool): bool
	{
	if ( octal_numbers == ( server in octal_servers ) )
		return F;

	if ( ! octal_numbers )
		delete octal_servers[server];
	else if ( |octal_servers| < max_tracked_servers )
		add octal_servers[server];
	else
		return F;

	return T;
	}

event numbering_learnt(server: addr, octal_numbers: bool)
	{
	learn_numbering(server, octal_numbers);

	# Workers cannot tell each other.
	if ( Cluster::local_node_type() == Cluster::PROXY )
		Cluster::publish(Cluster::worker_topic, numbering_learnt, server, octal_numbers);
	}

# Learns from what a controller says it is.
function learn_model(transaction: Info)
	{
	local answer = transaction$answer;
	local server = transaction$server;
	local series = "";

	# A type code names the model as well as text does.
	if ( answer?$model_code && answer$model_code in models && ( ! answer?$target || answer$target == "" ) )
		answer$target = models[answer$model_code]$name;

	if ( answer?$model_code && answer$model_code in models )
		series = models[answer$model_code]$series;
	else if ( answer?$target && answer$target in series_by_name )
		series = series_by_name[answer$target];

	if ( series == "" )
		return;

	local octal_numbers = series in octal_series;

	if ( octal_numbers && server !in octal_servers && |octal_servers| >= max_tracked_servers )
		{
		limit_reached_by(transaction, "max_tracked_servers");
		return;
		}

	if ( ! learn_numbering(server, octal_numbers) || ! Cluster::is_enabled() )
		return;

	local topic = meeting_topic();
	Cluster::publish(topic == "" ? Cluster::worker_topic : topic, numbering_learnt, server, octal_numbers);
	}

function octal(digits: string): string
	{
	local rest = to_count(digits, 16);
	local result = "";

	while ( rest >= 8 )
		{
		result = cat(rest % 8, result);
		rest = rest / 8;
		}

	return cat(rest, result);
	}

# A target with the numbers of its X and Y in octal: X1F is X37.
function octal_target(target: string): string
	{
	if ( target in octal_targets )
		return octal_targets[target];

	local items: vector of string;

	for ( _, item in split_string(target, /,/) )
		{
		# Without a value it would keep those of the item before.
		local points: vector of string = vector();

		for ( _, point in split_string(item, /-/) )
			{
			local found = match_pattern(point, /^[XY][0-9A-F]+/);

			if ( found$matched )
				points += found$str[0] + octal(found$str[1:]) + point[|found$str|:];
			else
				points += point;
			}

		items += join_string_vec(points, "-");
		}

	local result = join_string_vec(items, ",");

	if ( |octal_targets| < max_tracked_servers )
		octal_targets[target] = result;

	return result;
	}

# Numbers the X and Y of a transaction as the controller does.
function number_in_octal(transaction: Info)
	{
	local pdu = transaction?$asked ? transaction$asked : transaction$answer;

	if ( pdu?$device_code && transaction?$server && transaction$server in octal_servers )
		transaction$target = octal_target(transaction$target);
	}

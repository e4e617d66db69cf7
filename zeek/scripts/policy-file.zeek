##! Reads the policy of a site, as `melsec-nsm policy compile` writes it, and reads it again whenever the file is
##! replaced.
##!
##! The file is one table: a line for each host, controller, zone and so on, the first of which says how many there are.
##! Zeek's reader skips what it cannot read and goes on; so a policy comes into force only when all of it was read, and
##! the one before stays in force until then.
##!
##! Lines are kept until the last one and made into a policy together: what stays of each between what does not would
##! leave a heap full of holes, among which everything that Zeek allocates afterwards is strewn (measured with 10,000
##! hosts: a tenth more time for every transaction).

@load base/frameworks/input
@load ./policy

module MELSEC;

export {
	## The compiled policy of the site. Without one nothing is judged by a policy. Every node of a cluster reads it.
	const policy_file = "" &redef;

	## Runs when another policy has come into force.
	global policy_changed: hook(policy: Policy);

	## Whether a policy is in force.
	global has_policy: function(): bool;

	## The policy that is in force.
	global site_policy: function(): Policy;
}

# Format of the lines that this script reads.
const policy_format = 1;

# A line of the file. What its columns hold depends on the kind.
type PolicyLine: record {
	kind: string;
	name: string;
	nets: vector of subnet;
	words: vector of string;
	others: vector of string;
	numbers: vector of int;
};

global in_force = Policy();
global is_in_force = F;
global lines: vector of PolicyLine = vector();
global is_unreadable = F;
global staged = Policy();
# Packets wait for the file.
global is_waiting = F;

function has_policy(): bool
	{
	return is_in_force;
	}

function site_policy(): Policy
	{
	return in_force;
	}

# Sets of the words of a line: many lines have the same ones, and nobody changes them.
global staged_words: table[string] of set[string] = table();

function words_of(words: vector of string): set[string]
	{
	local key = join_string_vec(words, "\t");

	if ( key in staged_words )
		return staged_words[key];

	local found: set[string];

	for ( _, word in words )
		add found[word];

	staged_words[key] = found;
	return found;
	}

function stage_window(line: PolicyLine)
	{
	local window = PolicyWindow($name=line$name, $begins=line$numbers[0], $ends=line$numbers[1],
	    $spans=line$numbers[2:]);

	for ( _, controller in line$words )
		{
		for ( _, action in line$others )
			{
			if ( [controller, action] !in staged$windows )
				staged$windows[controller, action] = vector();

			staged$windows[controller, action] += window;
			}
		}
	}

function stage_change(line: PolicyLine)
	{
	local controller = line$words[0];
	local file_name = line$words[1];

	if ( [controller, file_name] !in staged$changes )
		staged$changes[controller, file_name] = vector();

	staged$changes[controller, file_name] += PolicyChange($ticket=line$name, $sha256=line$words[2], $begins=line$numbers[0],
	    $ends=line$numbers[1]);
	}

# Puts a line where it belongs. Returns whether it is one of this format.
function stage(line: PolicyLine): bool
	{
	switch ( line$kind )
		{
		case "clock":
			staged$since += line$numbers[0];
			staged$offsets += line$numbers[1];
			break;
		case "needs":
			staged$need_window = words_of(line$words);
			staged$need_change = words_of(line$others);
			break;
		case "zone":
			for ( _, net in line$nets )
				staged$zones[net] = line$name;
			break;
		case "path":
			add staged$paths[line$words[0], line$words[1]];
			break;
		case "role":
			staged$roles[line$name] = words_of(line$words);
			break;
		case "controller":
			for ( _, net in line$nets )
				staged$controllers[subnet_to_addr(net)] = PolicyController($name=line$name, $ports=words_of(line$words));
			break;
		case "host":
			for ( _, net in line$nets )
				staged$hosts[net] = PolicyHost($name=line$name, $role=line$words[0], $all=line$numbers[0] == 1);

			for ( _, controller in line$others )
				add staged$pairs[line$name, controller];
			break;
		case "window":
			stage_window(line);
			break;
		case "change":
			stage_change(line);
			break;
		case "tuning":
			staged$tunings[line$name] = PolicyTuning($off=line$numbers[0] == 1, $hosts=words_of(line$words),
			    $n=int_to_count(line$numbers[1]), $within=double_to_interval(line$numbers[2] + 0.0));
			break;
		case "baseline":
			staged$has_baseline = T;
			staged$learn_until = line$numbers[0];
			break;
		case "usual":
			staged$usual += PolicyUsual($client=subnet_to_addr(line$nets[0]), $server=subnet_to_addr(line$nets[1]),
			    $operation=line$name, $anything=line$numbers[0] == 1, $kind=|line$words| > 0 ? line$words[0] : "",
			    $first=int_to_count(line$numbers[1]), $last=int_to_count(line$numbers[2]));
			break;
		default:
			return F;
		}

	return T;
	}

# Makes a policy of all lines. Returns whether they are one, whole and for this version.
function stage_all(): bool
	{
	if ( is_unreadable || |lines| == 0 || lines[0]$kind != "policy" || lines[0]$numbers[0] != policy_format ||
	     int_to_count(lines[0]$numbers[1]) != |lines| )
		return F;

	staged = Policy($site=lines[0]$name);

	for ( place, line in lines )
		{
		if ( place > 0 && ! stage(line) )
			return F;
		}

	return T;
	}

event MELSEC::policy_line(description: Input::EventDescription, tpe: Input::Event, line: PolicyLine)
	{
	# A file that could not be opened had no end.
	if ( line$kind == "policy" )
		{
		lines = vector();
		is_unreadable = F;
		}

	lines += line;
	}

function wait_no_longer()
	{
	if ( ! is_waiting )
		return;

	is_waiting = F;
	continue_processing();
	}

event Input::end_of_data(name: string, source: string)
	{
	if ( name != "melsec-policy" )
		return;

	if ( stage_all() )
		{
		in_force = staged;
		is_in_force = T;
		Reporter::info(fmt("MELSEC: the policy of %s is in force", in_force$site));
		hook policy_changed(in_force);
		}
	else
		Reporter::warning(fmt("MELSEC: %s is not whole, or not for this version; %s", source,
		    is_in_force ? "the policy before stays in force" : "no policy is in force"));

	staged = Policy();
	staged_words = table();
	lines = vector();
	is_unreadable = F;
	wait_no_longer();
	}

# A file of which nothing can be read has no end either. A line that cannot be read makes the policy unusable.
event MELSEC::policy_unreadable(description: Input::EventDescription, message: string, level: Reporter::Level)
	{
	is_unreadable = T;
	wait_no_longer();
	}

event zeek_init()
	{
	if ( policy_file == "" )
		return;

	if ( file_size(policy_file) < 0 )
		{
		Reporter::warning(fmt("MELSEC: there is no policy %s; nothing is judged by one", policy_file));

		# It may come later.
		if ( reading_traces() )
			return;
		}

	# Packets of a capture would be through before the file is read.
	if ( reading_traces() )
		{
		is_waiting = T;
		suspend_processing();
		}

	Input::add_event(Input::EventDescription($source=policy_file, $name="melsec-policy", $fields=PolicyLine,
	    $ev=policy_line, $error_ev=policy_unreadable, $mode=Input::REREAD));
	}

##! What the policy of a site says of the traffic: alerts, and columns of the audit trail.
##!
##! Transactions are judged by who, to whom and which way, once it is known who answered: that does not change while
##! hosts talk, so that it is looked up and not judged again. Operations are judged by when, and by what was written.

@load ./actions
@load ./info
@load ./notices
@load ./operations
@load ./policy
@load ./policy-file

module MELSEC;

export {
	## Pairs of hosts, with ports and classes of commands, of which the verdict is remembered.
	option max_judged = 16384;
}

# Violations of transactions, by client, server, its port, class and whether it was answered.
global judged: table[addr, addr, port, string, bool] of vector of string = table() &create_expire=1hr;

const nobody = 0.0.0.0;

hook policy_changed(policy: Policy)
	{
	clear_table(judged);
	}

# Port of the controller.
function server_port_of(transaction: Info, server: addr): port
	{
	local id = transaction?$response_id ? transaction$response_id : transaction$id;
	return id$orig_h == server ? id$orig_p : id$resp_p;
	}

function judge_transaction(transaction: Info, server_port: port): vector of string
	{
	local asked = PolicyRequest($ts=transaction$ts, $answered=transaction?$answer);

	if ( transaction?$client )
		asked$client = transaction$client;

	if ( transaction?$server )
		{
		asked$server = transaction$server;
		asked$server_port = cat(server_port);
		}

	if ( transaction?$class )
		add asked$classes[transaction$class];

	return judge(site_policy(), asked)$violations;
	}

hook transaction_done(transaction: Info)
	{
	if ( ! has_policy() )
		return;

	local client = transaction?$client ? transaction$client : nobody;
	local server = transaction?$server ? transaction$server : nobody;
	local server_port = server_port_of(transaction, server);
	local class = transaction?$class ? transaction$class : "";
	local answered = transaction?$answer;

	if ( [client, server, server_port, class, answered] !in judged )
		{
		if ( |judged| >= max_judged )
			clear_table(judged);

		judged[client, server, server_port, class, answered] = judge_transaction(transaction, server_port);
		}

	local violations = judged[client, server, server_port, class, answered];

	for ( _, name in violations )
		{
		local cause = Cause($detection=name, $ts=transaction$ts, $uid=transaction$uid, $id=transaction$id,
		    $server=server_of(transaction), $what=transaction?$operation ? transaction$operation : "a response");

		if ( transaction?$client )
			cause$client = transaction$client;

		raise(cause, cat(client, server));
		}
	}

# A file without its drive and folders.
function base_name(path: string): string
	{
	local parts = split_string(path, /[\\\/:]/);
	return parts[|parts| - 1];
	}

function judge_operation(operation: Operation): PolicyVerdict
	{
	local asked = PolicyRequest($ts=operation$ts, $server=operation$server, $action=operation$action);

	if ( operation?$client )
		asked$client = operation$client;

	if ( operation$action in action_classes )
		asked$classes = action_classes[operation$action];

	if ( operation?$bytes && operation?$object )
		{
		asked$file_name = base_name(operation$object);

		if ( operation?$sha256 )
			asked$sha256 = operation$sha256;
		}

	return judge(site_policy(), asked);
	}

# What is violated by when something is done, or by what is written: the rest is known of its transactions.
function raise_of_operation(operation: Operation, verdict: PolicyVerdict, which: string)
	{
	for ( _, name in verdict$violations )
		{
		if ( name != which )
			next;

		local object = operation?$object ? operation$object : "";
		local cause = Cause($detection=name, $ts=operation$ts, $uid=operation$uid, $id=operation$id,
		    $server=operation$server, $what=object == "" ? operation$action : fmt("%s %s", operation$action, object));

		if ( operation?$client )
			cause$client = operation$client;

		raise(cause, cat(operation?$client ? cat(operation$client) : "", operation$server, object));
		}
	}

hook operation_begun(operation: Operation)
	{
	if ( has_policy() )
		raise_of_operation(operation, judge_operation(operation), "outside-window");
	}

# Before the line is written.
hook operation_done(operation: Operation) &priority=5
	{
	if ( ! has_policy() )
		return;

	local verdict = judge_operation(operation);
	operation$verdict = |verdict$violations| == 0 ? "allowed" : join_string_vec(verdict$violations, ",");

	if ( verdict$role != "" )
		operation$role = verdict$role;

	if ( verdict$window != "" )
		operation$window = verdict$window;

	if ( verdict$change != "" )
		operation$change = verdict$change;

	raise_of_operation(operation, verdict, "unapproved-program");
	}

##! What the policy of a site says of the traffic: alerts, and columns of the audit trail. Without a policy, public
##! addresses are alerted on all the same.
##!
##! Transactions are judged by who, to whom and which way, once it is known who answered: that does not change while
##! hosts talk, so that it is looked up and not judged again. Operations are judged by when, and by what was written.

@load ./actions
@load ./connections
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

# What is asked and answered all day is allowed: client, server, its port, class and whether it was answered.
global allowed: set[addr, addr, port, string, bool] = set() &create_expire=1hr;

# Violations of everything else.
global judged: table[addr, addr, port, string, bool] of vector of string = table() &create_expire=1hr;

const nobody = 0.0.0.0;

hook policy_changed(policy: Policy)
	{
	clear_table(allowed);
	clear_table(judged);
	}

# Port of a controller on a connection.
function port_of(id: conn_id, server: addr): port
	{
	return id$orig_h == server ? id$orig_p : id$resp_p;
	}

# Who takes part in a transaction, as the policy sees it, and on which port; without a policy only who is public.
function judge_transaction(asked: PolicyRequest): vector of string
	{
	if ( has_policy() )
		return judge(site_policy(), asked)$violations;

	if ( ( asked?$client && is_public(asked$client) ) || ( asked?$server && is_public(asked$server) ) )
		return vector("public-address");

	return vector();
	}

# Raises the detections of a violation.
function raise_violation(violation: string, cause: Cause, about: string)
	{
	if ( violation !in policy_detections )
		return;

	for ( _, name in policy_detections[violation] )
		{
		local one = copy(cause);
		one$detection = name;
		raise(one, about);
		}
	}

hook transaction_done(transaction: Info)
	{
	local client = transaction?$client ? transaction$client : nobody;
	local server = transaction?$server ? transaction$server : nobody;
	local server_port = port_of(transaction?$response_id ? transaction$response_id : transaction$id, server);
	local class = transaction?$class ? transaction$class : "";
	local answered = transaction?$answer;

	# What comes unasked comes from the controller: who would be the server is its client.
	if ( transaction?$command_info && transaction$command_info$pushed )
		{
		client = server;
		server = transaction$client;
		server_port = port_of(transaction$id, server);
		answered = T;
		}

	if ( [client, server, server_port, class, answered] in allowed )
		return;

	if ( [client, server, server_port, class, answered] !in judged )
		{
		local asked = PolicyRequest($ts=transaction$ts, $answered=answered);

		if ( client != nobody )
			asked$client = client;

		if ( server != nobody )
			{
			asked$server = server;
			asked$server_port = cat(server_port);
			}

		if ( class != "" )
			add asked$classes[class];

		local violations = judge_transaction(asked);

		if ( |allowed| + |judged| >= max_judged )
			{
			clear_table(allowed);
			clear_table(judged);
			}

		if ( |violations| == 0 )
			{
			add allowed[client, server, server_port, class, answered];
			return;
			}

		judged[client, server, server_port, class, answered] = violations;
		}

	for ( _, name in judged[client, server, server_port, class, answered] )
		{
		local cause = Cause($detection="", $ts=transaction$ts, $uid=transaction$uid, $id=transaction$id,
		    $server=server != nobody ? server : transaction$id$resp_h,
		    $what=transaction?$operation ? transaction$operation : "a response");

		if ( client != nobody )
			cause$client = client;

		raise_violation(name, cause, cat(client, cause$server));
		}
	}

function judge_operation(operation: Operation, over: bool): PolicyVerdict
	{
	local asked = PolicyRequest($ts=operation$ts, $action=operation$action);

	if ( operation?$client )
		asked$client = operation$client;

	if ( ! is_group(operation$server) )
		asked$server = operation$server;

	if ( ! over )
		return judge(site_policy(), asked);

	asked$server_port = cat(port_of(operation$id, operation$server));
	asked$answered = operation?$status;

	if ( operation$action in action_classes )
		asked$classes = action_classes[operation$action];

	# Nothing was written of a file that the controller refused.
	if ( ( operation?$bytes && operation$bytes > 0 ) || ! operation?$status || /^0+$/ in operation$status )
		{
		asked$file_name = operation?$object ? operation$object : "";

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
		local cause = Cause($detection="", $ts=operation$ts, $uid=operation$uid, $id=operation$id,
		    $server=operation$server, $what=object == "" ? operation$action : fmt("%s %s", operation$action, object));

		if ( operation?$client )
			cause$client = operation$client;

		raise_violation(name, cause, cat(operation?$client ? cat(operation$client) : "", operation$server,
		    operation$action, object));
		}
	}

hook operation_begun(operation: Operation)
	{
	if ( has_policy() )
		raise_of_operation(operation, judge_operation(operation, F), "outside-window");
	}

# Before the line is written.
hook operation_done(operation: Operation) &priority=5
	{
	if ( ! has_policy() )
		return;

	local verdict = judge_operation(operation, T);
	operation$verdict = |verdict$violations| == 0 ? "allowed" : join_string_vec(verdict$violations, ",");

	if ( verdict$role != "" )
		operation$role = verdict$role;

	if ( verdict$window != "" )
		operation$window = verdict$window;

	if ( verdict$change != "" )
		operation$change = verdict$change;

	raise_of_operation(operation, verdict, "unapproved-program");
	}

##! Engineering operations: what a person would say was done to a controller.
##!
##! An operation is told twice: when it is known that it takes place, since an alert must not wait for the end of a
##! download, and once more with everything that is known of it when it is over. On a cluster both are told where all
##! meets.

@load base/frameworks/cluster
@load base/frameworks/logging
@load ./types
@load ./info
@load ./meeting
@load ./sessions

module MELSEC;

export {
	## An engineering operation: one line of melsec_engineering.log.
	type Operation: record {
		## Time of its first request.
		ts: time &log;
		## Connection of that request.
		uid: string &log;
		## Endpoints of that connection.
		id: conn_id &log;
		## Who did it; absent where a controller changes its address by itself.
		client: addr &log &optional;
		## The controller; the group that was asked where nobody answered.
		server: addr &log;
		## Protocol: ``slmp``, ``mc1e``, ``melsoft``.
		protocol: string &log;
		## What was done: ``program-download``, ``remote-stop``, ``login-failed`` ...
		action: string &log;
		## What it was about: a file, a user, devices, an address.
		object: string &log &optional;
		## What else was said, as in melsec.log.
		details: string &log &optional;
		## Octets that were seen of a file, or that were written in an online change.
		bytes: count &log &optional;
		## Octets of a file that were not seen.
		missing_bytes: count &log &optional;
		## Digest of a file; absent where something of it is missing.
		sha256: string &log &optional;
		## First end code that refused, else that of success, in hex; absent where nobody answered.
		status: string &log &optional;
		## Name of that end code.
		status_name: string &log &optional;
		## Who was logged in, as far as that was seen.
		user: string &log &optional;
		## Requests that it consisted of.
		requests: count &log &default=1;
		## Role of the client in the policy of the site.
		role: string &log &optional;
		## Maintenance window of the policy that it falls into.
		window: string &log &optional;
		## Change of the policy that approves the file.
		change: string &log &optional;
		## ``allowed``, or the detections that it violates; absent without a policy.
		verdict: string &log &optional;

		## Number of the session of its first request, where that tells it.
		session: count &optional;
	};

	## Runs when an operation is known to take place. Only what is known by then is filled in.
	global operation_begun: hook(operation: Operation);

	## Runs when an operation is over, and writes it to the log.
	global operation_done: hook(operation: Operation);

	## Tells the place where all meets of an operation. For use between the nodes of a cluster.
	##
	## operation: The operation.
	##
	## ts: When it began, or was over.
	##
	## over: Whether it is over.
	global operation_told: event(operation: Operation, ts: time, over: bool);
}

# Fills in who did it: whose session it is, else who logged in last from there.
function name_user(operation: Operation)
	{
	if ( operation?$user || ! operation?$client )
		return;

	local user = operation?$session ? user_of_session(operation$server, operation$client, operation$session) :
	    user_at(operation$server, operation$client);

	if ( user != "" )
		operation$user = user;
	}

# An operation that begins with the request of a transaction, with what its answer tells.
function operation_of(transaction: Info, action: string, object: string): Operation
	{
	local operation = Operation($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id,
	    $client=transaction$client, $server=server_of(transaction), $protocol=transaction$protocol, $action=action);

	if ( object != "" )
		operation$object = object;

	if ( transaction?$status )
		operation$status = transaction$status;

	if ( transaction?$status_name )
		operation$status_name = transaction$status_name;

	if ( transaction?$asked_more && transaction$asked_more?$session )
		operation$session = transaction$asked_more$session;

	name_user(operation);
	return operation;
	}

event operation_told(operation: Operation, ts: time, over: bool)
	{
	in_order(ts, function [operation, over]()
		{
		# Whoever told of it does not know who is logged in.
		name_user(operation);

		if ( over )
			hook operation_done(operation);
		else
			hook operation_begun(operation);
		});
	}

# An operation that is known to take place, on whatever node.
function begin_operation(operation: Operation)
	{
	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, operation_told, operation, operation$ts, F) )
		hook operation_begun(operation);
	}

# An operation that is over, on whatever node.
function finish_operation(operation: Operation)
	{
	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, operation_told, operation, network_time(), T) )
		hook operation_done(operation);
	}

# An operation that is over as soon as it is known.
function operation_at_once(operation: Operation)
	{
	hook operation_begun(operation);
	hook operation_done(operation);
	}

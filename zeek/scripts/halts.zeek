##! Controllers that were stopped, got another program, and were left like that.

@load ./connections
@load ./consts
@load ./meeting
@load ./operations

module MELSEC;

export {
	## An operation that stops a controller, lets it run, or gives it another program.
	type Step: record {
		## When it began.
		ts: time;
		## Connection.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Who did it.
		client: addr &optional;
		## The controller.
		server: addr;
		## The operation.
		action: string;
	};

	## Tells the place where controllers are followed of an operation that one has accepted. For use between the nodes
	## of a cluster.
	global step_taken: event(step: Step);

	## Looks whether a controller is still left as an operation has left it.
	global still_left: event(server: addr, since: time);

	## Controllers that are followed.
	option max_followed = 16384;
}

# When controllers were last stopped, and when they were let run.
global stopped_at: table[addr] of time = table();
global ran_at: table[addr] of time = table();

# What they got while they were stopped.
global left_with: table[addr] of Step = table();

event still_left(server: addr, since: time)
	{
	# At the end of a run everything that is scheduled comes at once.
	if ( server !in left_with || left_with[server]$ts != since || network_time() - since < left_stopped_time )
		return;

	local step = left_with[server];
	delete left_with[server];

	hook happened(Happening($name="left-stopped", $ts=since + left_stopped_time, $uid=step$uid, $id=step$id,
	    $client=step?$client ? step$client : step$id$orig_h, $server=server, $what=step$action));
	}

function follow_step(step: Step)
	{
	if ( step$server !in stopped_at && |stopped_at| >= max_followed )
		clear_table(stopped_at);

	if ( step$server !in ran_at && |ran_at| >= max_followed )
		clear_table(ran_at);

	if ( step$action in halting_actions )
		stopped_at[step$server] = step$ts;
	else if ( step$action in running_actions )
		{
		ran_at[step$server] = step$ts;
		delete left_with[step$server];
		}
	else if ( step$server in stopped_at && stopped_at[step$server] <= step$ts && |left_with| < max_followed &&
	          ( step$server !in ran_at || ran_at[step$server] < stopped_at[step$server] ) )
		{
		left_with[step$server] = step;
		local rest = step$ts + left_stopped_time - network_time();
		schedule rest > 0sec ? rest : 0sec { still_left(step$server, step$ts) };
		}
	}

event step_taken(step: Step)
	{
	in_order(step$ts, function [step]()
		{
		follow_step(step);
		});
	}

hook operation_done(operation: Operation)
	{
	if ( operation$action !in halting_actions && operation$action !in running_actions &&
	     operation$action !in writing_actions )
		return;

	if ( ! operation?$status || /^0+$/ !in operation$status )
		return;

	local step = Step($ts=operation$ts, $uid=operation$uid, $id=operation$id, $server=operation$server,
	    $action=operation$action);

	if ( operation?$client )
		step$client = operation$client;

	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, step_taken, step) )
		follow_step(step);
	}

# For captures that span more time than they take to read: the workers read one after the other, so that the second one
# knows what the first one has told it, and the clock of the proxy follows what it was told of. When all have finished it
# takes that up in the order of time, and what waits for its time on the way.

@load ./cluster

module Test;

export {
	global next_turn: event();
}

@if ( Cluster::node == "worker-2" )
hook may_read()
	{
	break;
	}

event next_turn()
	{
	continue_processing();
	}
@endif

@if ( Cluster::local_node_type() == Cluster::PROXY )
# The same way as what workers tell each other, and behind it.
event finished(name: string) &priority=5
	{
	if ( name == "worker-1" )
		Cluster::publish(Cluster::worker_topic, Test::next_turn);
	}
@endif

# Where the proxy keeps what it was told.
module MELSEC;

@if ( Cluster::local_node_type() == Cluster::PROXY )
redef allow_network_time_forward = F;
redef settle_interval = 2sec;

# All that waits is told at once.
redef max_unsettled = 1000000;

# What comes within this time is taken up together.
const moment = 100msec;

# How far the clock goes at a time, for how long after something has happened.
const step = 10sec;
const longest = 20min;

global held: vector of Letter;
global next_held = 0;
global resting_since: time;

event tick()
	{
	local now = network_time();
	settle_all();

	if ( next_held == |held| && now - resting_since >= longest )
		{
		terminate();
		return;
		}

	local to = now + step;

	if ( next_held < |held| && ( held[next_held]$ts <= to || now - resting_since >= longest ) )
		{
		local first = held[next_held]$ts;

		while ( next_held < |held| && held[next_held]$ts - first <= moment )
			{
			to = held[next_held]$ts;
			letters += held[next_held];
			++next_held;
			}

		resting_since = to;
		}

	schedule to - now { tick() };
	set_network_time(to);
	}

hook Test::all_finished()
	{
	# What is not to be repeated the proxy knows itself. That the manager tells it as well comes at any time.
	Cluster::unsubscribe(Cluster::proxy_topic);
	held = sort(letters, by_time);
	letters = vector();
	resting_since = network_time() - longest;
	event tick();
	break;
	}
@endif

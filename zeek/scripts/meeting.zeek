##! Where what is seen of several connections is put together.
##!
##! On one process that is here. On a cluster it is one proxy: workers tell it what concerns more than one connection,
##! and it takes that up in the order of time, as one process would have seen it. One and not many, since what belongs
##! together has no key in common (an answer to a group address does not say who asked), and proxies cannot tell each
##! other anything. Should it fail another one of the pool begins anew. Without a proxy each worker does what it can.

@load base/frameworks/cluster

module MELSEC;

export {
	## How long the proxy of a cluster keeps what it is told before it takes it up: what other workers tell of the same
	## time may come later. The workers need most of it for telling some things together.
	option settle_interval = 2sec;

	## Things that a proxy was told and has not taken up; beyond it they are taken up sooner.
	option max_unsettled = 16384;
}

# Something that a proxy was told.
type Letter: record {
	ts: time;
	# Among equals the first counts first.
	number: count;
	arrived: time;
	take_up: function();
};

global letters: vector of Letter = vector();
global letters_seen = 0;

# The same for all, so that all meets on one proxy.
const meeting_key = "MELSEC";

# Which proxy that is, until one comes or goes: polling asks for it.
global chosen_topic: string;
global is_chosen = F;

event Cluster::node_up(name: string, id: string) &priority=-10
	{
	is_chosen = F;
	}

event Cluster::node_down(name: string, id: string) &priority=-10
	{
	is_chosen = F;
	}

# Where to tell what concerns several connections; empty where that is here.
function meeting_topic(): string
	{
	if ( ! Cluster::is_enabled() || Cluster::local_node_type() == Cluster::PROXY )
		return "";

	if ( ! is_chosen )
		{
		chosen_topic = Cluster::hrw_topic(Cluster::proxy_pool, meeting_key);
		is_chosen = T;
		}

	return chosen_topic;
	}

function by_time(a: Letter, b: Letter): int
	{
	if ( a$ts != b$ts )
		return a$ts < b$ts ? -1 : 1;

	return a$number < b$number ? -1 : 1;
	}

# Takes up, in the order of time, what arrived up to a time, and all that happened before it.
function settle_until(arrived: time)
	{
	local due = 0;
	sort(letters, by_time);

	for ( place, letter in letters )
		{
		if ( letter$arrived <= arrived )
			due = place + 1;
		}

	local taken = letters[:due];
	letters = letters[due:];

	for ( _, letter in taken )
		{
		local take_up = letter$take_up;
		take_up();
		}
	}

# Takes up all that is there.
function settle_all()
	{
	settle_until(network_time());
	}

event settle()
	{
	local now = network_time();
	settle_until(now - settle_interval);

	if ( |letters| > 0 )
		schedule settle_interval / 4 { settle() };
	}

# Takes something up when its time has come.
function in_order(ts: time, take_up: function())
	{
	if ( |letters| == 0 )
		schedule settle_interval { settle() };

	letters += Letter($ts=ts, $number=letters_seen, $arrived=network_time(), $take_up=take_up);
	++letters_seen;

	if ( |letters| <= max_unsettled )
		return;

	# A half of it at a time, as each look sorts all.
	Reporter::net_weird("melsec_limit", "max_unsettled", "MELSEC");
	settle_until(letters[|letters| / 2]$arrived);
	}

# Before anything that waits is given up.
event zeek_done() &priority=10
	{
	settle_all();
	}

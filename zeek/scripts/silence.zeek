##! Connections to controllers, and controllers that do not answer any more after something was done to them.
##!
##! On a cluster all workers know on which ports controllers answer; a controller is watched by the worker that has raised
##! the detection.

@load base/frameworks/cluster
@load base/frameworks/notice
@load ./types
@load ./consts
@load ./info
@load ./connections
@load ./meeting
@load ./pairing

module MELSEC;

export {
	## Ports of controllers that are remembered; another one is forgotten for each beyond it.
	option max_services = 65536;

	## Tells other nodes of a port on which a controller has answered. For use between the nodes of a cluster.
	global service_learnt: event(host: addr, service: port);
}

# A controller that is watched, with what has come to nothing since it was last heard of.
type Suspect: record {
	until: time;
	since: time &optional;
	requests: count &default=0;
	calls: count &default=0;
};

global suspects: table[addr] of Suspect = table() &write_expire=suspect_time + 1min;

# Ports on which controllers have answered. They stay: a connection may live for months.
global services: set[addr, port] = set();

redef record connection += {
	# Its SYN, and the answer to it, were counted: they may come again.
	melsec_called: bool &default=F;
	melsec_accepted: bool &default=F;
};

# Watches a controller for a while.
function suspect(server: addr, now: time)
	{
	local watched = server in suspects && suspects[server]$until > now ? suspects[server] : Suspect($until=now);
	watched$until = now + suspect_time;
	suspects[server] = watched;
	}

# Counts what was tried with a controller that is watched. Returns whether it has fallen silent.
function tried(server: addr, now: time, is_request: bool): bool
	{
	local watched = suspects[server];

	if ( watched$until <= now )
		return F;

	if ( watched$requests + watched$calls == 0 )
		watched$since = now;

	if ( is_request )
		++watched$requests;
	else
		++watched$calls;

	if ( watched$requests + watched$calls < silent_requests || now - watched$since < silent_time )
		return F;

	watched$until = now;
	return T;
	}

# Takes up a port on which a controller has answered.
function learn_service(host: addr, service: port)
	{
	if ( |services| >= max_services && [host, service] !in services )
		{
		for ( [other, other_service] in services )
			break;

		delete services[other, other_service];
		}

	add services[host, service];
	}

event service_learnt(host: addr, service: port)
	{
	learn_service(host, service);

	# Workers cannot tell each other.
	if ( Cluster::local_node_type() == Cluster::PROXY )
		Cluster::publish(Cluster::worker_topic, service_learnt, host, service);
	}

hook answering(who: Answerer)
	{
	if ( [who$host, who$answers_from] in services )
		return;

	# Whoever answers from any port there is does not get the nodes to talk of nothing else.
	local told = Cluster::is_enabled() && |services| < max_services;
	learn_service(who$host, who$answers_from);

	if ( ! told )
		return;

	local topic = meeting_topic();
	Cluster::publish(topic == "" ? Cluster::worker_topic : topic, service_learnt, who$host, who$answers_from);
	}

hook request_seen(transaction: Info) &priority=-5
	{
	if ( |suspects| == 0 || transaction$group || transaction$server !in suspects || transaction$command_info$unanswered )
		return;

	if ( tried(transaction$server, transaction$ts, T) )
		hook happened(Happening($name="silence", $ts=transaction$ts, $uid=transaction$uid, $id=transaction$id,
		    $client=transaction$client, $server=transaction$server, $what=transaction$operation));
	}

# After whatever the response itself means.
event response(c: connection, is_orig: bool, pdu: PDU)
	{
	if ( |suspects| == 0 )
		return;

	local server = is_orig ? c$id$orig_h : c$id$resp_h;

	if ( server in suspects )
		{
		suspects[server]$requests = 0;
		suspects[server]$calls = 0;
		}
	}

event connection_SYN_packet(c: connection, pkt: SYN_packet)
	{
	local id = c$id;

	if ( [id$resp_h, id$resp_p] !in services )
		return;

	if ( ! pkt$is_orig )
		{
		if ( ! c$melsec_accepted && id$resp_h in suspects )
			suspects[id$resp_h]$calls = 0;

		c$melsec_accepted = T;
		return;
		}

	if ( c$melsec_called )
		return;

	c$melsec_called = T;
	local now = network_time();
	local call = Happening($name="connection", $ts=now, $uid=c$uid, $id=id, $client=id$orig_h, $server=id$resp_h,
	    $what="connection");
	hook happened(call);

	if ( id$resp_h in suspects && tried(id$resp_h, now, F) )
		{
		call$name = "silence";
		hook happened(call);
		}
	}

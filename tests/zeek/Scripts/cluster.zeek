# How the nodes of the cluster of the tests begin and end. Workers read when all are connected; who ends says so to
# those who have to wait for it, behind everything else that it has told them. Nothing depends on the time.

@load policy/frameworks/cluster/experimental

module Test;

export {
	global finished: event(name: string);

	# A worker may read.
	global may_read: hook();

	# All that had to be waited for have finished.
	global all_finished: hook();
}

redef Log::default_rotation_interval = 0sec;
redef Broker::default_connect_retry = 1sec;
redef Broker::default_listen_retry = 1sec;
redef Broker::log_batch_size = 1;
redef Broker::default_listen_address = "127.0.0.1";
redef exit_only_after_terminate = T;

# What was told is taken up when all workers have finished: a capture is read in a moment, whatever time it spans.
redef MELSEC::settle_interval = 1day;

global awaited: set[string];

event Test::finished(name: string)
	{
	delete awaited[name];

	if ( |awaited| == 0 )
		hook Test::all_finished();
	}

hook all_finished() &priority=-10
	{
	terminate();
	}

@if ( Cluster::local_node_type() == Cluster::WORKER )
event zeek_init()
	{
	suspend_processing();
	}

event Cluster::Experimental::cluster_started()
	{
	hook Test::may_read();
	}

hook may_read() &priority=-10
	{
	continue_processing();
	}

event Pcap::file_done(path: string)
	{
	terminate();
	}

event zeek_done() &priority=-100
	{
	Cluster::publish(Cluster::proxy_topic, Test::finished, Cluster::node);
	Cluster::publish(Cluster::manager_topic, Test::finished, Cluster::node);
	}
@endif

@if ( Cluster::local_node_type() == Cluster::PROXY )
event zeek_init()
	{
	awaited = set("worker-1", "worker-2");
	}

event zeek_done() &priority=-100
	{
	Cluster::publish(Cluster::manager_topic, Test::finished, Cluster::node);
	}
@endif

@if ( Cluster::local_node_type() == Cluster::MANAGER )
event zeek_init()
	{
	awaited = set("worker-1", "worker-2", "proxy");
	}
@endif

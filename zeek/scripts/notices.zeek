##! Notices: one type per detection of the definition.

@load base/frameworks/cluster
@load base/frameworks/notice
@load ./detections
@load ./info
@load ./main
@load ./meanings
@load ./meeting
@load ./operations
@load ./sessions
@load ./silence
@load ./tuning

module MELSEC;

export {
	## Clients, controllers and pairs whose times are counted for detections; another one is forgotten for each beyond it.
	option max_counted = 16384;

	## What raises a detection.
	type Cause: record {
		## The detection.
		detection: string;
		## When it happened.
		ts: time;
		## Connection that it happened on.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Who did it.
		client: addr &optional;
		## The controller.
		server: addr;
		## What was done.
		what: string;
		## What has to differ from one time to the next, for detections that count.
		value: string &optional;
	};

	## Tells the place where a detection counts of one more time. For use between the nodes of a cluster.
	global counted: event(cause: Cause);

	## Tells the place where notices are raised of one. For use between the nodes of a cluster.
	##
	## cause: What raises it.
	##
	## about: What is equal in it is not repeated for a while.
	##
	## ts: When it became known, which may be later than when it happened.
	global raised: event(cause: Cause, about: string, ts: time);

	redef record Notice::Info += {
		## Detection of the definition that raised the notice.
		melsec_detection: string &log &optional;
		## How severe that is, from ``informational`` to ``critical``.
		melsec_severity: string &log &optional;
		## Techniques of ATT&CK for ICS that it may be a sign of.
		melsec_attack: vector of string &log &optional;
	};
}

# Times within an interval: all of them, or the last of each value. It holds no more than are asked for.
type Times: record {
	all: vector of time &default=vector();
	values: table[string] of time &default=table() &ordered;
};

# How often within an interval that began with the first.
type Number: record {
	since: time;
	n: count &default=0;
};

# Stands for all clients, and all servers.
const everybody = 0.0.0.0;

# On a cluster each worker counts for itself what comes by the thousand: it would drown a proxy. The packets of a
# connection come to one worker.
global numbers: table[string, addr, addr] of Number = table() &create_expire=count_expiry();

# On a cluster they are counted where all meets: only there a client that asks one controller here and another one there
# is seen to do so.
global times: table[string] of Times = table() &write_expire=count_expiry();

function still_quiet(quiet: table[string] of time, key: string): interval
	{
	local rest = quiet[key] - network_time();
	return rest > 0sec ? rest : 0sec;
	}

# Until when a detection is not raised again for a client or a server alone. For pairs the notice framework knows it.
global quiet: table[string] of time = table() &create_expire=1min &expire_func=still_quiet;

# Raises a detection here.
function raise_here(cause: Cause, about: string)
	{
	local name = cause$detection;
	local detection = detections[name];
	local notice = Notice::Info($note=detection$note, $sub=fmt("%s, severity %s", cause$what, detection$severity),
	    $ts=cause$ts, $uid=cause$uid, $id=cause$id, $dst=cause$server, $identifier=cat(name, about),
	    $suppress_for=suppress_interval_of(name), $melsec_detection=name, $melsec_severity=detection$severity,
	    $melsec_attack=detection$attack);

	if ( cause?$client )
		{
		notice$src = cause$client;
		notice$msg = fmt("%s: %s to %s", detection$title, cause$client, cause$server);
		}
	else
		notice$msg = fmt("%s: %s", detection$title, cause$server);

	NOTICE(notice);
	}

event raised(cause: Cause, about: string, ts: time)
	{
	in_order(ts, function [cause, about]()
		{
		raise_here(cause, about);
		});
	}

# Raises a detection. What is equal in `about` is not repeated for a while: on a cluster one node sees to that, whatever
# worker the cause was seen on.
function raise(cause: Cause, about: string)
	{
	local name = cause$detection;

	if ( ! is_wanted(name, cause?$client ? vector(cause$client) : vector()) )
		return;

	if ( name in dangerous_detections )
		suspect(cause$server, cause$ts);

	local topic = meeting_topic();

	if ( topic != "" )
		{
		# All nodes know what is not repeated.
		if ( Notice::is_being_suppressed(Notice::Info($note=detections[name]$note, $identifier=cat(name, about))) )
			return;

		if ( Cluster::publish(topic, raised, cause, about, network_time()) )
			return;
		}

	raise_here(cause, about);
	}

# Counts one time. Returns whether there are enough of them.
function count_time(counts: Times, cause: Cause, threshold: Threshold): bool
	{
	local since = cause$ts - threshold$within;

	if ( ! cause?$value )
		{
		while ( |counts$all| > 0 && counts$all[0] < since )
			counts$all[0:1] = vector();

		counts$all += cause$ts;
		return |counts$all| >= threshold$n;
		}

	# The last one goes to the end.
	delete counts$values[cause$value];
	counts$values[cause$value] = cause$ts;
	local old: vector of string;

	for ( value, ts in counts$values )
		{
		if ( ts >= since )
			break;

		old += value;
		}

	for ( _, value in old )
		delete counts$values[value];

	return |counts$values| >= threshold$n;
	}

# The names under which a detection counts: one for each who is concerned.
function counts_of(cause: Cause, threshold: Threshold): vector of string
	{
	local keys: vector of string;

	for ( _, scope in threshold$per )
		{
		if ( scope == "client" )
			keys += cat(cause$detection, " from ", cause$client);
		else if ( scope == "server" )
			keys += cat(cause$detection, " to ", cause$server);
		else
			keys += cat(cause$detection, " from ", cause$client, " to ", cause$server);
		}

	return keys;
	}

# Raises a detection that was counted often enough; the first count that is full speaks for all.
function raise_counted(cause: Cause, keys: vector of string)
	{
	for ( _, key in keys )
		{
		if ( key in quiet && cause$ts < quiet[key] )
			return;
		}

	for ( _, key in keys )
		{
		if ( |quiet| >= max_counted && key !in quiet )
			{
			for ( first in quiet )
				break;

			delete quiet[first];
			}

		quiet[key] = cause$ts + suppress_interval_of(cause$detection);
		}

	raise(cause, cat(cause$ts, cause?$client ? cat(cause$client) : "", cause$server));
	}

# Counts for everybody who is concerned.
function count_here(cause: Cause)
	{
	local threshold = threshold_of(cause$detection);
	local keys = counts_of(cause, threshold);
	local full = F;

	for ( _, key in keys )
		{
		local counts = key in times ? times[key] : Times();

		# To the end, as the most recent one.
		delete times[key];
		times[key] = counts;
		full = count_time(counts, cause, threshold) || full;

		if ( |times| > max_counted )
			{
			for ( other in times )
				break;

			delete times[other];
			}
		}

	if ( ! full )
		return;

	for ( _, key in keys )
		delete times[key];

	raise_counted(cause, keys);
	}

event counted(cause: Cause)
	{
	in_order(cause$ts, function [cause]()
		{
		count_here(cause);
		});
	}

# What has to differ from one time to the next.
function distinct_value(distinct: string, transaction: Info): string
	{
	switch ( distinct )
		{
		case "user":
			return first_user(transaction);
		case "client":
			return cat(transaction$client);
		case "server":
			return cat(server_of(transaction));
		case "target":
			return transaction$asked?$target ? transaction$asked$target : "";
		default:
			return cat(transaction$protocol, " ", transaction$command);
		}
	}

# Counts one more of those that come by the thousand. Returns whether there are enough of them.
function count_number(name: string, from: addr, to: addr, ts: time, threshold: Threshold): bool
	{
	if ( [name, from, to] !in numbers )
		{
		if ( |numbers| >= max_counted )
			{
			for ( [other, from_other, to_other] in numbers )
				break;

			delete numbers[other, from_other, to_other];
			}

		numbers[name, from, to] = Number($since=ts);
		}

	local number = numbers[name, from, to];

	if ( ts - number$since >= threshold$within )
		{
		number$since = ts;
		number$n = 0;
		}

	++number$n;
	return number$n >= threshold$n;
	}

# The same for everybody who is concerned.
function count_numbers(name: string, client: addr, server: addr, ts: time, threshold: Threshold): bool
	{
	local full = F;

	for ( _, scope in threshold$per )
		{
		if ( count_number(name, scope == "server" ? everybody : client, scope == "client" ? everybody : server, ts, threshold) )
			full = T;
		}

	if ( full )
		{
		for ( _, scope in threshold$per )
			delete numbers[name, scope == "server" ? everybody : client, scope == "client" ? everybody : server];
		}

	return full;
	}

# Raises a detection, or counts for it where all meets.
function raise_or_count(cause: Cause)
	{
	if ( ! is_wanted(cause$detection, cause?$client ? vector(cause$client) : vector()) )
		return;

	if ( ! detections[cause$detection]?$threshold )
		{
		raise(cause, cat(cause?$client ? cat(cause$client) : "", cause$server));
		return;
		}

	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, counted, cause) )
		count_here(cause);
	}

# Raises the detections that a request or a response gives reason for.
function raise_all(names: vector of string, transaction: Info, ts: time, server: addr)
	{
	for ( _, name in names )
		{
		local detection = detections[name];

		if ( detection?$meanings && ! is_meant_by_any(detection$meanings, transaction) )
			next;

		local counts = detection?$threshold;

		if ( counts && detection$threshold$fixed )
			{
			local threshold = threshold_of(name);

			if ( is_wanted(name, vector(transaction$client)) &&
			     count_numbers(name, transaction$client, server, ts, threshold) )
				{
				local many = Cause($detection=name, $ts=ts, $uid=transaction$uid, $id=transaction$id,
				    $client=transaction$client, $server=server, $what=transaction$operation);
				raise_counted(many, counts_of(many, threshold));
				}

			next;
			}

		local cause = Cause($detection=name, $ts=ts, $uid=transaction$uid, $id=transaction$id,
		    $client=transaction$client, $server=server, $what=transaction$operation);

		if ( counts && detection$threshold?$distinct )
			cause$value = distinct_value(detection$threshold$distinct, transaction);

		raise_or_count(cause);
		}
	}

# At once where the request names the controller; a reset or a stop may never be answered.
hook request_seen(transaction: Info)
	{
	if ( transaction$group )
		return;

	if ( transaction$command_info?$request_detections )
		raise_all(transaction$command_info$request_detections, transaction, transaction$ts, transaction$server);

	if ( transaction?$asked_more )
		follow_token(transaction);
	}

hook transaction_done(transaction: Info)
	{
	if ( ! transaction?$asked )
		return;

	local command = transaction$command_info;

	# A broadcast request names no controller: who answered it is known only now. However many do, it is one request.
	if ( transaction$group && ! transaction?$again )
		{
		if ( command?$request_detections )
			raise_all(command$request_detections, transaction, transaction$ts, server_of(transaction));

		if ( transaction?$asked_more )
			follow_token(transaction);
		}

	if ( ! transaction?$answer )
		return;

	if ( command?$response_detections )
		raise_all(command$response_detections, transaction, answered_at(transaction), transaction$server);

	if ( command?$refused_detections && is_refused(transaction) )
		raise_all(command$refused_detections, transaction, answered_at(transaction), transaction$server);
	}

# At once when an operation is known to take place.
hook operation_begun(operation: Operation)
	{
	if ( operation$action !in action_detections )
		return;

	local object = operation?$object ? operation$object : "";

	for ( _, name in action_detections[operation$action] )
		{
		local cause = Cause($detection=name, $ts=operation$ts, $uid=operation$uid, $id=operation$id,
		    $server=operation$server, $what=object == "" ? operation$action : fmt("%s %s", operation$action, object));

		if ( operation?$client )
			cause$client = operation$client;

		raise(cause, cat(operation?$client ? cat(operation$client) : "", operation$server, object));
		}
	}

hook happened(happening: Happening)
	{
	if ( happening$name !in event_detections )
		return;

	for ( _, name in event_detections[happening$name] )
		raise_or_count(Cause($detection=name, $ts=happening$ts, $uid=happening$uid, $id=happening$id,
		    $client=happening$client, $server=happening$server, $what=happening$what));
	}

hook token_replayed(sighting: Sighting)
	{
	for ( _, name in replay_detections )
		{
		local cause = Cause($detection=name, $ts=sighting$ts, $uid=sighting$uid, $id=sighting$id,
		    $client=sighting$client, $server=sighting$server, $what=sighting$operation);
		raise(cause, cat(sighting$client, sighting$server));
		}
	}

##! melsec_engineering.log: the audit trail, one line per operation, from transactions by the rules of the definition.
##!
##! An engineering tool opens a connection for everything it does, and whoever does not want to be seen opens many. On a
##! cluster workers tell of each transaction that something may come of, and of those that are polling together.

@load base/frameworks/cluster
@load base/frameworks/logging
@load ./types
@load ./consts
@load ./actions
@load ./exchange
@load ./info
@load ./meanings
@load ./meeting
@load ./operations
@load ./pairing
@load ./runs
@load ./sessions

module MELSEC;

export {
	redef enum Log::ID += { ENGINEERING_LOG };

	## Default policy hook of the log.
	global log_policy_engineering: Log::PolicyHook;

	## Raised for each record on its way to the log.
	##
	## rec: The record.
	global log_melsec_engineering: event(rec: Operation);

	## Sessions of clients with controllers of which the last request is remembered; another one is forgotten for each beyond it.
	option max_tracked_clients = 4096;

	## A transaction, and those after it that equal it. For use between the nodes of a cluster.
	type Deed: record {
		## The transaction.
		exchange: Exchange;
		## How many there are.
		times: count &default=1;
		## Time of the last one.
		last: time;
	};

	## Tells the place where all meets of transactions. For use between the nodes of a cluster.
	##
	## told: The transactions.
	global deeds_seen: event(told: vector of Deed);
}

event zeek_init() &priority=5
	{
	Log::create_stream(MELSEC::ENGINEERING_LOG, Log::Stream($columns=Operation, $ev=log_melsec_engineering,
	    $path="melsec_engineering", $policy=log_policy_engineering));
	}

# When the last request of a session came.
global last_requests: table[string, addr, addr] of time = table() &write_expire=1hr;

# Whether a transaction is the first of a session.
function begins_session(action: Action, transaction: Info): bool
	{
	local client = transaction$client;
	local server = server_of(transaction);
	local begins = T;

	if ( [action$name, client, server] in last_requests )
		begins = transaction$ts - last_requests[action$name, client, server] > action$idle;
	else if ( |last_requests| >= max_tracked_clients )
		{
		for ( [n, c, s] in last_requests )
			break;

		delete last_requests[n, c, s];
		}

	last_requests[action$name, client, server] = transaction$ts;
	return begins;
	}

# What an operation was about.
function object_of(action: Action, transaction: Info): string
	{
	if ( action$by_field )
		{
		if ( transaction?$asked_more && transaction$asked_more?$about && transaction$asked_more$about != "" )
			return transaction$asked_more$about;

		return transaction?$answer_more && transaction$answer_more?$about ? transaction$answer_more$about : "";
		}

	local asked = transaction$asked;

	if ( asked?$target && |asked$target| > 0 )
		return asked$target;

	if ( ! transaction?$answer )
		return "";

	local answer = transaction$answer;

	if ( answer?$target && |answer$target| > 0 )
		return answer$target;

	return answer?$model_code && answer$model_code in models ? models[answer$model_code]$name : "";
	}

# Puts what one transaction is into the audit trail.
function audit(action: Action, transaction: Info)
	{
	if ( action?$meaning && ! is_meant(action$meaning, transaction) )
		return;

	if ( action$each == SESSION && ! begins_session(action, transaction) )
		return;

	local name = action$name;
	local refused = action?$failed && is_refused(transaction);

	if ( action$each == USER )
		{
		if ( ! transaction?$asked_more || ! transaction$asked_more?$users )
			return;

		for ( _, user in transaction$asked_more$users )
			{
			local known = action?$known && is_known_user(server_of(transaction), user);
			local registered = operation_of(transaction, refused ? action$failed : ( known ? action$known : name ), user);

			if ( transaction?$details )
				registered$details = transaction$details;

			operation_at_once(registered);
			}

		return;
		}

	local operation = operation_of(transaction, refused ? action$failed : name, object_of(action, transaction));

	if ( transaction?$details )
		operation$details = transaction$details;

	operation_at_once(operation);
	}

# Follows the two steps of a login.
function follow_login(transaction: Info)
	{
	if ( ! transaction?$answer || ! transaction?$server )
		return;

	local command = transaction$command_info;
	local server = transaction$server;
	local refused = is_refused(transaction);
	local action = actions[command?$names ? command$names : command$proves];
	local user = "";

	if ( command?$names )
		{
		user = first_user(transaction);

		if ( ! refused )
			{
			if ( transaction?$answer_more && transaction$answer_more?$user_token )
				remember_name(server, transaction$answer_more$user_token, user);

			return;
			}
		}
	else
		{
		if ( transaction?$asked_more && transaction$asked_more?$user_token &&
		     [server, transaction$asked_more$user_token] in named_users )
			user = named_users[server, transaction$asked_more$user_token];

		if ( ! refused )
			{
			local grant = Grant($server=server, $client=transaction$client, $user=user);

			if ( transaction?$answer_more && transaction$answer_more?$session )
				grant$session = transaction$answer_more$session;

			learn_grant(grant);
			}
		}

	local operation = operation_of(transaction, refused && action?$failed ? action$failed : action$name, user);

	# Whoever was logged in before does not matter.
	delete operation$user;

	if ( user != "" )
		operation$user = user;

	operation_at_once(operation);
	}

# Looks for what a transaction makes, or is part of.
function follow(transaction: Info, times: count, last: time)
	{
	local command = transaction$command_info;

	if ( command?$runs )
		{
		for ( _, run in command$runs )
			follow_run(run, transaction, times, last);
		}

	if ( command?$names || command?$proves )
		follow_login(transaction);

	if ( command?$actions )
		{
		for ( _, name in command$actions )
			audit(actions[name], transaction);
		}

	if ( command$tells_users )
		learn_users(transaction);
	}

event deeds_seen(told: vector of Deed)
	{
	for ( _, deed in told )
		{
		local transaction = transaction_of(deed$exchange);
		in_order(answered_at(transaction), function [transaction, deed]()
			{
			follow(transaction, deed$times, deed$last);
			});
		}
	}

# Transactions that are yet to be told, by what makes them equal.
global deeds: table[string] of Deed = table() &ordered;

# How many were told, or are yet to be.
global deeds_done = 0;

# The most of them that are told at once.
const max_deeds = 256;

# Tells of what waits for it.
function tell_deeds()
	{
	local told: vector of Deed;

	for ( _, deed in deeds )
		told += deed;

	deeds = table() &ordered;
	local topic = meeting_topic();

	if ( topic != "" && Cluster::publish(topic, deeds_seen, told) )
		return;

	for ( _, deed in told )
		follow(transaction_of(deed$exchange), deed$times, deed$last);
	}

event tell_deeds_in_time()
	{
	if ( |deeds| > 0 )
		tell_deeds();
	}

# Whether a transaction is part of a run that asks for a number of requests, so that each matters when it came.
function is_counted(transaction: Info): bool
	{
	for ( _, run in transaction$command_info$runs )
		{
		if ( run$requests > 0 && ( ! run?$meaning || is_meant(run$meaning, transaction) ) )
			return T;
		}

	return F;
	}

# What makes transactions equal as parts of a run. Of equal ones the first says all but how many there are.
function sameness(transaction: Info): string
	{
	if ( is_counted(transaction) )
		return cat(deeds_done);

	local asked = transaction$asked;
	local text = cat_sep("|", "", transaction$uid, transaction$client, server_of(transaction), asked$frame, asked$command,
	    transaction?$subcommand ? transaction$subcommand : "", transaction?$points ? transaction$points : 0,
	    transaction?$status ? transaction$status : "", asked?$target ? asked$target : "");

	for ( _, action in transaction$command_info$runs )
		text += ! action?$meaning || is_meant(action$meaning, transaction) ? "+" : "-";

	if ( transaction?$asked_more && transaction$asked_more?$session )
		text += cat(transaction$asked_more$session);

	return text;
	}

# Tells of a transaction: at once of what an operation comes of, else together with others.
function tell(transaction: Info, topic: string)
	{
	local command = transaction$command_info;
	++deeds_done;
	local polled = command?$runs && ! command?$names && ! command?$proves && ! command?$actions &&
	    ! command$tells_users;
	local same = polled ? sameness(transaction) : "";

	if ( polled && same in deeds )
		{
		local known = deeds[same];
		++known$times;

		if ( transaction$ts > known$last )
			known$last = transaction$ts;

		return;
		}

	local deed = Deed($exchange=exchange_of(transaction), $last=transaction$ts);
	delete deed$exchange$values;
	delete deed$exchange$asked_block;

	if ( ! polled )
		{
		if ( ! Cluster::publish(topic, deeds_seen, vector(deed)) )
			follow(transaction, 1, transaction$ts);

		return;
		}

	if ( |deeds| == 0 )
		schedule settle_interval / 2 { tell_deeds_in_time() };

	deeds[same] = deed;

	if ( |deeds| >= max_deeds )
		tell_deeds();
	}

# Commands of which nothing comes are left at the first look: polling comes by here some ten times a second.
hook transaction_done(transaction: Info)
	{
	if ( ! transaction?$asked || ! transaction$command_info$audited || transaction?$again )
		return;

	local topic = meeting_topic();

	if ( topic == "" )
		follow(transaction, 1, transaction$ts);
	else
		tell(transaction, topic);
	}

event zeek_done() &priority=-10
	{
	if ( |deeds| > 0 )
		tell_deeds();
	}

hook operation_done(operation: Operation) &priority=-5
	{
	Log::write(MELSEC::ENGINEERING_LOG, operation);
	}

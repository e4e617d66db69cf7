##! Who is logged in where, whose token a request carries, and which users a controller has.
##!
##! What is seen of one connection speaks for the others of the same client: an engineering tool opens a new one for
##! everything it does. On a cluster it is known where all meets.

@load base/frameworks/cluster
@load ./types
@load ./info
@load ./meeting

module MELSEC;

export {
	## A login that a controller has accepted.
	type Grant: record {
		## The controller.
		server: addr;
		## Where the user is.
		client: addr;
		## Who it is; empty where that was not seen.
		user: string;
		## Number of the session, where the answer tells it.
		session: count &optional;
	};

	## A token that a request carries.
	type Sighting: record {
		## Time of the request.
		ts: time;
		## Connection of the request.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Who sent it.
		client: addr;
		## The controller.
		server: addr;
		## What the request asked for.
		operation: string;
		## A digest of the token.
		token: string;
		## Number of the session that the token belongs to.
		session: count;
	};

	## Logins, sessions and tokens that are remembered, each, and controllers of which users are; another one is
	## forgotten for each beyond it. None is remembered for more than a day without being seen.
	option max_tracked_sessions = 4096;

	## Users of a controller, and clients of a session, that are remembered.
	option max_users = 256;

	## Runs for each request with a token that another client has sent, or whose session another client was granted. On
	## a cluster that is on the proxy where all meets.
	global token_replayed: hook(sighting: Sighting);

	## Tells the place where tokens meet of a token. For use between the nodes of a cluster.
	global token_seen: event(sighting: Sighting);
}

# A session of a controller.
type Session: record {
	user: string;
	# To whom it was granted last.
	owner: addr;
	# To whom it was ever granted.
	granted: set[addr] &default=set();
};

global sessions: table[addr, count] of Session = table() &read_expire=1day;
# The user that logged in last from a client.
global logged_in: table[addr, addr] of string = table() &read_expire=1day;
# The user that a controller gave a token for the second step of a login.
global named_users: table[addr, string] of string = table() &read_expire=1day;
# Who first sent a token.
global carriers: table[addr, string] of addr = table() &read_expire=1day;
# Users that controllers have.
global users: table[addr] of set[string] = table() &read_expire=1day;
# Tokens that the place where they meet has been told of.
global told_tokens: set[addr, string, addr] &create_expire=10sec;

# Takes up a login.
function learn_grant(grant: Grant)
	{
	local server = grant$server;
	local client = grant$client;

	if ( |logged_in| >= max_tracked_sessions && [server, client] !in logged_in )
		{
		for ( [s1, c1] in logged_in )
			break;

		delete logged_in[s1, c1];
		}

	logged_in[server, client] = grant$user;

	if ( ! grant?$session )
		return;

	if ( |sessions| >= max_tracked_sessions && [server, grant$session] !in sessions )
		{
		for ( [s2, n2] in sessions )
			break;

		delete sessions[s2, n2];
		}

	if ( [server, grant$session] !in sessions )
		sessions[server, grant$session] = Session($user=grant$user, $owner=client);

	local session = sessions[server, grant$session];
	session$user = grant$user;
	session$owner = client;

	if ( |session$granted| < max_users )
		add session$granted[client];
	}

# Whether a token is that of another client.
function judge_token(sighting: Sighting)
	{
	local server = sighting$server;
	local client = sighting$client;
	local replayed = F;

	if ( [server, sighting$token] in carriers )
		replayed = carriers[server, sighting$token] != client;
	else
		{
		if ( |carriers| >= max_tracked_sessions )
			{
			for ( [s, t] in carriers )
				break;

			delete carriers[s, t];
			}

		carriers[server, sighting$token] = client;
		}

	if ( ! replayed && [server, sighting$session] in sessions )
		{
		local session = sessions[server, sighting$session];
		replayed = session$owner != client && client !in session$granted;
		}

	if ( replayed )
		hook token_replayed(sighting);
	}

event token_seen(sighting: Sighting)
	{
	in_order(sighting$ts, function [sighting]()
		{
		judge_token(sighting);
		});
	}

# Looks at the token of a request, where tokens meet.
function follow_token(transaction: Info)
	{
	local more = transaction$asked_more;

	if ( ! more?$token || ! more?$session )
		return;

	local server = server_of(transaction);
	local client = transaction$client;
	local sighting = Sighting($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $client=client,
	    $server=server, $operation=transaction$operation, $token=more$token, $session=more$session);

	local topic = meeting_topic();

	if ( topic == "" )
		{
		judge_token(sighting);
		return;
		}

	# Every request of a user carries one: once in a while is enough.
	if ( [server, more$token, client] in told_tokens )
		return;

	if ( |told_tokens| < max_tracked_sessions )
		add told_tokens[server, more$token, client];

	if ( ! Cluster::publish(topic, token_seen, sighting) )
		judge_token(sighting);
	}

# The user who logged in last from a client; empty where that was not seen.
function user_at(server: addr, client: addr): string
	{
	return [server, client] in logged_in ? logged_in[server, client] : "";
	}

# The user whose session it is, else who logged in last from there.
function user_of_session(server: addr, client: addr, session: count): string
	{
	return [server, session] in sessions ? sessions[server, session]$user : user_at(server, client);
	}

# The first user that a request names; empty where it names none.
function first_user(transaction: Info): string
	{
	if ( ! transaction?$asked_more || ! transaction$asked_more?$users || |transaction$asked_more$users| == 0 )
		return "";

	return transaction$asked_more$users[0];
	}

# Remembers whom the token belongs to that a controller answers a name with. Both steps come on one connection.
function remember_name(server: addr, token: string, user: string)
	{
	if ( |named_users| >= max_tracked_sessions && [server, token] !in named_users )
		{
		for ( [s, t] in named_users )
			break;

		delete named_users[s, t];
		}

	named_users[server, token] = user;
	}

# Whether a controller has a user, as far as that was seen.
function is_known_user(server: addr, user: string): bool
	{
	return server in users && user in users[server];
	}

# Takes up the users that an accepted transaction names.
function learn_users(transaction: Info)
	{
	if ( ! transaction?$answer || is_refused(transaction) )
		return;

	local server = server_of(transaction);
	local named: vector of string;

	if ( transaction?$asked_more && transaction$asked_more?$users )
		named += transaction$asked_more$users;

	if ( transaction?$answer_more && transaction$answer_more?$users )
		named += transaction$answer_more$users;

	if ( |named| == 0 )
		return;

	if ( server !in users )
		{
		if ( |users| >= max_tracked_sessions )
			{
			for ( s in users )
				break;

			delete users[s];
			}

		users[server] = set();
		}

	for ( _, user in named )
		{
		if ( |users[server]| < max_users )
			add users[server][user];
		}
	}

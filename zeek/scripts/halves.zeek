##! Requests and responses that are flows of their own, brought together: exchanges by way of a group address (UDP), and
##! answers from or to another port.
##!
##! One process pairs them here. On a cluster the two reach different workers, each of which hands over its half, and
##! the proxy that all meets on pairs them: what comes of the transaction (the logs, operations, files, controllers and
##! notices) comes about there. Requests to a group address are handed over at once, others when nobody has answered
##! them on their own flow, so that what is answered on one flow stays on its worker.
##!
##! What waits here is bounded, and let go of when it has waited for long enough.

@load base/frameworks/cluster
@load ./types
@load ./consts
@load ./info
@load ./connections
@load ./exchange
@load ./meeting

module MELSEC;

export {
	## Half of a transaction that its flow does not have the other half of. For use between the nodes of a cluster.
	type Half: record {
		## The request or the response.
		exchange: Exchange;
		## What its own flow says of a response.
		kind: string &default="";
		## Who answers, where that is not believed yet.
		who: Answerer &optional;
	};

	## Runs for each half of an exchange by way of a group address, or for a response whose request is elsewhere, that
	## is handed over to another node.
	##
	## transaction: The half.
	global handed_over: hook(transaction: Info);

	## Tells the place where halves meet of one. For use between the nodes of a cluster.
	global half_seen: event(half: Half);

	## Requests to group addresses that may wait for answers, over all clients; on a cluster as many answers, too, of
	## which the request is yet to be told.
	option max_broadcast_requests = 4096;
}

# A half that waits.
type Waiting: record {
	transaction: Info;
	since: time;
	# The client's port, as far as the half tells: where it asked from, or where an answer goes to.
	client_port: port;
	kind: string &default="";
	who: Answerer &optional;
};

# Halves that wait, by running number, the oldest first, and by what they may have in common with the other half.
type Book: record {
	entries: table[count] of Waiting &default=table();
	head: count &default=0;
	tail: count &default=0;
	by_port: table[port] of vector of count &default=table();
	by_client: table[addr] of vector of count &default=table();
};

# Requests to group addresses. They stay when they have been answered: others may answer as well. Answers to a group
# address have nothing but the client's port in common with their request.
global broadcasts = Book();

# Responses, on a cluster only: one process has seen every request before its response.
global early = Book();

# How long a response waits for a request that nobody may have answered on its own flow.
function early_timeout(): interval
	{
	return request_timeout + 2 * settle_interval;
	}

function without(numbers: vector of count, number: count)
	{
	for ( place, other in numbers )
		{
		if ( other == number )
			{
			numbers[place:place + 1] = vector();
			return;
			}
		}
	}

function put(book: Book, waiting: Waiting)
	{
	local client_port = waiting$client_port;
	book$entries[book$tail] = waiting;

	if ( client_port !in book$by_port )
		book$by_port[client_port] = vector();

	book$by_port[client_port] += book$tail;

	if ( waiting$transaction?$client )
		{
		local client = waiting$transaction$client;

		if ( client !in book$by_client )
			book$by_client[client] = vector();

		book$by_client[client] += book$tail;
		}

	++book$tail;
	}

function take(book: Book, number: count): Waiting
	{
	local waiting = book$entries[number];
	local client_port = waiting$client_port;
	delete book$entries[number];
	without(book$by_port[client_port], number);

	if ( |book$by_port[client_port]| == 0 )
		delete book$by_port[client_port];

	if ( waiting$transaction?$client )
		{
		local client = waiting$transaction$client;
		without(book$by_client[client], number);

		if ( |book$by_client[client]| == 0 )
			delete book$by_client[client];
		}

	while ( book$head < book$tail && book$head !in book$entries )
		++book$head;

	return waiting;
	}

# Puts a response to the request that it answers.
function join(transaction: Info, response: Waiting)
	{
	local alone = response$transaction;
	transaction$server = alone$server;
	transaction$answer = alone$answer;
	transaction$rtt = alone$ts - transaction$ts;
	transaction$response_uid = alone$uid;
	transaction$response_id = alone$id;

	if ( alone?$values )
		transaction$values = alone$values;

	if ( alone?$answer_more )
		transaction$answer_more = alone$answer_more;

	if ( alone?$answer_block )
		transaction$answer_block = alone$answer_block;

	if ( response?$who )
		hook answering(response$who);

	if ( ! transaction$believed )
		{
		transaction$believed = T;
		hook request_seen(transaction);

		if ( connection_exists(alone$id) )
			prove(state_of(lookup_connection(alone$id)), transaction$layout$bare);
		}

	hook transaction_done(transaction);
	}

# A response that nothing was asked for.
function end_response(response: Waiting)
	{
	local alone = response$transaction;

	if ( ! alone$believed )
		return;

	if ( response$kind != "" )
		{
		report_by(alone, "melsec_response_" + response$kind, alone?$operation ? alone$operation : "", response$kind);
		response_happened(alone, response$kind);
		}

	hook transaction_done(alone);
	}

# Ends the wait of a request to a group address.
function drop_broadcast(number: count)
	{
	local transaction = take(broadcasts, number)$transaction;

	if ( transaction$believed && ! transaction?$answer )
		hook transaction_done(transaction);
	}

# Ends the wait of the requests to group addresses that have waited for long; one timer for all of them.
event watch_broadcasts()
	{
	local now = network_time();

	while ( |broadcasts$entries| > 0 && now - broadcasts$entries[broadcasts$head]$since >= request_timeout )
		drop_broadcast(broadcasts$head);

	if ( |broadcasts$entries| > 0 )
		schedule request_timeout - ( now - broadcasts$entries[broadcasts$head]$since ) { watch_broadcasts() };
	}

# The same for responses.
event watch_early()
	{
	local now = network_time();

	while ( |early$entries| > 0 && now - early$entries[early$head]$since >= early_timeout() )
		end_response(take(early, early$head));

	if ( |early$entries| > 0 )
		schedule early_timeout() - ( now - early$entries[early$head]$since ) { watch_early() };
	}

# A broadcast request with one more answer.
function answered_again(other: Info): Info
	{
	local transaction = begin(other$ts, other$uid, other$id, other$layout, other$asked);
	transaction$client = other$client;
	transaction$group = T;
	transaction$again = T;

	if ( other?$asked_more )
		transaction$asked_more = other$asked_more;

	if ( other?$asked_block )
		transaction$asked_block = other$asked_block;

	return transaction;
	}

# Whether a response may be the answer to a request, going by both themselves and by when they came.
function fits(transaction: Info, alone: Info): bool
	{
	return ( ! alone?$client || alone$client == transaction$client ) &&
	    alone$ts - transaction$ts < request_timeout && answers(transaction$asked, alone$answer);
	}

# The broadcast request that a response answers: the oldest that nobody has answered yet, else the newest that somebody
# has; the end of the book if there is none. A response to a group address does not say whose request it answers.
function find_broadcast(numbers: vector of count, alone: Info): count
	{
	local found = broadcasts$tail;
	local first = |numbers| > max_pending_requests ? |numbers| - max_pending_requests : 0;

	for ( place, number in numbers )
		{
		if ( place < first )
			next;

		local other = broadcasts$entries[number]$transaction;

		if ( ! fits(other, alone) )
			next;

		found = number;

		if ( ! other?$answer )
			break;
		}

	return found;
	}

# The oldest early response to a request; the end of the book if there is none.
function find_early(numbers: vector of count, transaction: Info): count
	{
	local last = |numbers| < max_pending_requests ? |numbers| : max_pending_requests;

	for ( place, number in numbers )
		{
		if ( place >= last )
			break;

		local alone = early$entries[number]$transaction;

		if ( alone$ts >= transaction$ts && fits(transaction, alone) &&
		     ( transaction$group || alone$server == transaction$server ) )
			return number;
		}

	return early$tail;
	}

# Gives a request the responses that were there before it.
function join_early(transaction: Info)
	{
	while ( |early$entries| > 0 )
		{
		local number = early$tail;

		if ( transaction$group && transaction$id$orig_p in early$by_port )
			number = find_early(early$by_port[transaction$id$orig_p], transaction);

		if ( number == early$tail && transaction$client in early$by_client )
			number = find_early(early$by_client[transaction$client], transaction);

		if ( number == early$tail )
			return;

		local found = take(early, number);
		join(transaction?$answer ? answered_again(transaction) : transaction, found);

		if ( ! transaction$group )
			return;
		}
	}

# Takes up a request to a group address.
function take_broadcast(transaction: Info)
	{
	local client_port = transaction$id$orig_p;

	if ( |broadcasts$entries| == 0 )
		schedule request_timeout { watch_broadcasts() };

	put(broadcasts, Waiting($transaction=transaction, $since=network_time(), $client_port=client_port));
	join_early(transaction);

	if ( |broadcasts$by_port[client_port]| > max_pending_requests )
		{
		limit_reached_by(transaction, "max_pending_requests");
		drop_broadcast(broadcasts$by_port[client_port][0]);
		}

	if ( |broadcasts$entries| > max_broadcast_requests )
		{
		limit_reached_by(transaction, "max_broadcast_requests");
		drop_broadcast(broadcasts$head);
		}
	}

# Takes up a request of another node that nobody has answered on its own flow.
function take_unanswered(transaction: Info)
	{
	join_early(transaction);

	if ( ! transaction?$answer && transaction$believed )
		hook transaction_done(transaction);
	}

# Takes up a response.
function take_response(response: Waiting)
	{
	local alone = response$transaction;
	local number = broadcasts$tail;

	if ( response$client_port in broadcasts$by_port )
		number = find_broadcast(broadcasts$by_port[response$client_port], alone);

	if ( number == broadcasts$tail && alone?$client && alone$client in broadcasts$by_client )
		number = find_broadcast(broadcasts$by_client[alone$client], alone);

	if ( number < broadcasts$tail )
		{
		local found = broadcasts$entries[number]$transaction;
		join(found?$answer ? answered_again(found) : found, response);
		return;
		}

	if ( ! Cluster::is_enabled() || Cluster::local_node_type() != Cluster::PROXY )
		{
		end_response(response);
		return;
		}

	if ( |early$entries| == 0 )
		schedule early_timeout() { watch_early() };

	put(early, response);

	if ( |early$entries| > max_broadcast_requests )
		{
		limit_reached_by(alone, "max_broadcast_requests");
		end_response(take(early, early$head));
		}
	}

function waiting_response(alone: Info, kind: string): Waiting
	{
	local id = alone$id;
	return Waiting($transaction=alone, $since=network_time(), $kind=kind,
	    $client_port=id$orig_h == alone$server ? id$resp_p : id$orig_p);
	}

event half_seen(half: Half)
	{
	local transaction = transaction_of(half$exchange);

	if ( transaction?$asked && transaction$group )
		{
		in_order(transaction$ts, function [transaction]()
			{
			if ( transaction$believed )
				hook request_seen(transaction);

			take_broadcast(transaction);
			});
		}
	else if ( transaction?$asked )
		{
		# Whatever may answer it has been told by then.
		in_order(transaction$ts + request_timeout, function [transaction]()
			{
			take_unanswered(transaction);
			});
		}
	else
		{
		local waiting = waiting_response(transaction, half$kind);

		if ( half?$who )
			waiting$who = half$who;

		in_order(transaction$ts, function [waiting]()
			{
			waiting$since = network_time();
			take_response(waiting);
			});
		}
	}

# A request to a group address.
function ask_group(transaction: Info)
	{
	local topic = meeting_topic();

	if ( topic != "" && Cluster::publish(topic, half_seen, Half($exchange=exchange_of(transaction))) )
		{
		hook handed_over(transaction);
		return;
		}

	if ( transaction$believed )
		hook request_seen(transaction);

	take_broadcast(transaction);
	}

# A request to one address over UDP that nobody has answered on its own flow.
function give_up(transaction: Info)
	{
	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, half_seen, Half($exchange=exchange_of(transaction))) )
		{
		if ( transaction$believed )
			hook transaction_done(transaction);
		}
	}

# A response over UDP that nothing was asked for on the flows of this node; `kind` is what its own flow says of it.
function answer_elsewhere(alone: Info, kind: string, who: Answerer)
	{
	local topic = meeting_topic();

	if ( topic != "" )
		{
		local half = Half($exchange=exchange_of(alone), $kind=kind);

		if ( ! alone$believed )
			half$who = who;

		if ( Cluster::publish(topic, half_seen, half) )
			{
			hook handed_over(alone);
			return;
			}
		}

	local waiting = waiting_response(alone, kind);

	if ( ! alone$believed )
		waiting$who = who;

	take_response(waiting);
	}

event zeek_done() &priority=5
	{
	while ( |early$entries| > 0 )
		end_response(take(early, early$head));

	while ( |broadcasts$entries| > 0 )
		drop_broadcast(broadcasts$head);
	}

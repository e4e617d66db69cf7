##! A transaction on its way from one node of a cluster to another: what the grammar made of it, since that is what all
##! else comes from.

@load ./types
@load ./consts
@load ./info

module MELSEC;

export {
	## A transaction, or half of one, as a node tells it to another.
	type Exchange: record {
		## Time of the request; of the response where there is no request.
		ts: time;
		## Connection of the request; of the response where there is no request.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Connection of the response where it is another one.
		response_uid: string &optional;
		## Who asked.
		client: addr &optional;
		## Who answered, or was asked.
		server: addr &optional;
		## The request.
		asked: PDU &optional;
		## The response.
		answer: PDU &optional;
		## What else the request said.
		asked_more: Particulars &optional;
		## What else the response said.
		answer_more: Particulars &optional;
		## The block of a file in the request, or that it asks for.
		asked_block: Block &optional;
		## The block of a file in the response.
		answer_block: Block &optional;
		## Values that were read or written.
		values: string &optional;
		## What the log says of it besides.
		details: string &optional;
		## Time from request to response.
		rtt: interval &optional;
		## The request is the first PDU of its side.
		first: bool;
		## The request went to a group address.
		group: bool;
		## What was seen is believed.
		believed: bool;
	};
}

# What is told of a transaction.
function exchange_of(transaction: Info): Exchange
	{
	local exchange = Exchange($ts=transaction$ts, $uid=transaction$uid, $id=transaction$id, $first=transaction$first,
	    $group=transaction$group, $believed=transaction$believed);

	if ( transaction?$response_uid )
		exchange$response_uid = transaction$response_uid;

	if ( transaction?$client )
		exchange$client = transaction$client;

	if ( transaction?$server )
		exchange$server = transaction$server;

	if ( transaction?$asked )
		exchange$asked = transaction$asked;

	if ( transaction?$answer )
		exchange$answer = transaction$answer;

	if ( transaction?$asked_more )
		exchange$asked_more = transaction$asked_more;

	if ( transaction?$answer_more )
		exchange$answer_more = transaction$answer_more;

	if ( transaction?$asked_block )
		exchange$asked_block = transaction$asked_block;

	if ( transaction?$answer_block )
		exchange$answer_block = transaction$answer_block;

	if ( transaction?$values )
		exchange$values = transaction$values;

	if ( transaction?$details )
		exchange$details = transaction$details;

	if ( transaction?$rtt )
		exchange$rtt = transaction$rtt;

	return exchange;
	}

# The transaction that another node tells of. Where both halves are there it is complete.
function transaction_of(exchange: Exchange): Info
	{
	local transaction: Info;

	if ( exchange?$asked )
		{
		transaction = begin(exchange$ts, exchange$uid, exchange$id, frames[exchange$asked$frame], exchange$asked);

		if ( exchange?$answer )
			{
			transaction$answer = exchange$answer;
			fill_answer(transaction);
			}
		}
	else
		transaction = unasked(exchange$ts, exchange$uid, exchange$id, frames[exchange$answer$frame], exchange$answer);

	transaction$first = exchange$first;
	transaction$group = exchange$group;
	transaction$believed = exchange$believed;

	if ( exchange?$response_uid )
		transaction$response_uid = exchange$response_uid;

	if ( exchange?$client )
		transaction$client = exchange$client;

	if ( exchange?$server )
		transaction$server = exchange$server;

	if ( exchange?$asked_more )
		transaction$asked_more = exchange$asked_more;

	if ( exchange?$answer_more )
		transaction$answer_more = exchange$answer_more;

	if ( exchange?$asked_block )
		transaction$asked_block = exchange$asked_block;

	if ( exchange?$answer_block )
		transaction$answer_block = exchange$answer_block;

	if ( exchange?$values )
		transaction$values = exchange$values;

	if ( exchange?$details )
		transaction$details = exchange$details;

	if ( exchange?$rtt )
		transaction$rtt = exchange$rtt;

	return transaction;
	}

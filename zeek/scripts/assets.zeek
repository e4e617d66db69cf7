##! melsec_assets.log: what was learnt of controllers, a line whenever something new is known of one.
##!
##! On a cluster what workers learn meets on a proxy, which decides what is new.

@load base/frameworks/cluster
@load base/frameworks/logging
@load ./types
@load ./consts
@load ./actions
@load ./info
@load ./meeting
@load ./operations
@load ./pairing

module MELSEC;

export {
	redef enum Log::ID += { ASSETS_LOG };

	## What is known of a controller: one line of melsec_assets.log.
	type Asset: record {
		## When the last of it was learnt.
		ts: time &log;
		## Its address.
		host: addr &log;
		## Its MAC address, where that is one of a maker of controllers.
		mac: string &log &optional;
		## Name of the CPU or module, as it says itself or by its type code.
		model: string &log &optional;
		## Series of the model.
		series: string &log &optional;
		## Version of the firmware.
		firmware: string &log &optional;
		## Serial number.
		serial: string &log &optional;
		## Protocols that it answers in.
		protocols: set[string] &log &default=set();
		## Ports that it answers from, such as ``5007/tcp``.
		ports: set[string] &log &default=set();
		## Advisories that concern it.
		advisories: set[string] &log &optional;
		## What the last of it was learnt from: the name of a command, or ``response`` for any answer.
		source: string &log;
	};

	## Something that a node has learnt of a controller. For use between the nodes of a cluster.
	type Learnt: record {
		## Time of the answer.
		ts: time;
		## The controller.
		host: addr;
		## What it was learnt from.
		source: string;
		## Facts by the names of their columns.
		facts: table[string] of string &default=table();
		## The model has but the name of its type code: what the controller calls itself is worth more.
		by_code: bool &default=F;
		## Protocol that it answers in.
		protocol: string &optional;
		## Port that it answers from.
		answers_from: string &optional;
	};

	## A controller with a MAC address of its own answers. For use between the nodes of a cluster.
	type Place: record {
		## Time of the answer.
		ts: time;
		## Connection of the answer.
		uid: string;
		## Endpoints of that connection.
		id: conn_id;
		## Its MAC address.
		mac: string;
		## Its address.
		host: addr;
		## Who asked; absent where the answer goes to a group.
		client: addr &optional;
		## Protocol that it answers in.
		protocol: string;
	};

	## Default policy hook of the log.
	global log_policy_assets: Log::PolicyHook;

	## Raised for each record on its way to the log.
	##
	## rec: The record.
	global log_melsec_assets: event(rec: Asset);

	## Controllers that are remembered; another one is forgotten for each beyond it. One that nothing is learnt
	## of for a day is forgotten as well, and told anew when it is seen again.
	option max_assets = 16384;

	## Ports of a controller that are remembered: it answers from few, who spoofs it from any.
	option max_asset_ports = 64;

	## Tells the place where what is known of a controller meets. For use between the nodes of a cluster.
	global asset_learnt: event(learnt: Learnt);

	## Tells the place where what is known of a MAC address meets. For use between the nodes of a cluster.
	global controller_placed: event(place: Place);
}

event zeek_init() &priority=5
	{
	Log::create_stream(MELSEC::ASSETS_LOG, Log::Stream($columns=Asset, $ev=log_melsec_assets, $path="melsec_assets",
	    $policy=log_policy_assets));
	}

global assets: table[addr] of Asset = table() &read_expire=1day;
# Where controllers with a MAC address of their own were seen last.
global places: table[string] of addr = table() &read_expire=1day;
# Moves that were told. One with two addresses is not told again and again.
global moves: set[string, addr] &read_expire=1day;
# What a worker has told of late.
global told_assets: set[addr, string] &create_expire=1hr;

# Takes up a fact. Returns whether it is new.
function learn_fact(asset: Asset, learnt: Learnt, name: string, value: string): bool
	{
	switch ( name )
		{
		case "mac":
			if ( asset?$mac && asset$mac == value )
				return F;

			asset$mac = value;
			return T;
		case "model":
			if ( asset?$model && ( learnt$by_code || asset$model == value ) )
				return F;

			asset$model = value;
			return T;
		case "series":
			if ( asset?$series && asset$series == value )
				return F;

			asset$series = value;
			return T;
		case "firmware":
			if ( asset?$firmware && asset$firmware == value )
				return F;

			asset$firmware = value;
			return T;
		case "serial":
			if ( asset?$serial && asset$serial == value )
				return F;

			asset$serial = value;
			return T;
		default:
			return F;
		}
	}

# Takes up what was learnt, and writes down what is known by now if something of it is new.
function learn_asset(learnt: Learnt)
	{
	local host = learnt$host;

	if ( host !in assets )
		{
		if ( |assets| >= max_assets )
			{
			for ( other in assets )
				break;

			delete assets[other];
			}

		assets[host] = Asset($ts=learnt$ts, $host=host, $source=learnt$source);
		}

	local asset = assets[host];
	local fresh = F;

	for ( name, value in learnt$facts )
		fresh = learn_fact(asset, learnt, name, value) || fresh;

	if ( learnt?$protocol && learnt$protocol !in asset$protocols )
		{
		add asset$protocols[learnt$protocol];
		fresh = T;
		}

	if ( learnt?$answers_from && learnt$answers_from !in asset$ports && |asset$ports| < max_asset_ports )
		{
		add asset$ports[learnt$answers_from];
		fresh = T;
		}

	if ( ! fresh )
		return;

	asset$ts = learnt$ts;
	asset$source = learnt$source;
	Log::write(MELSEC::ASSETS_LOG, copy(asset));
	}

event asset_learnt(learnt: Learnt)
	{
	in_order(learnt$ts, function [learnt]()
		{
		learn_asset(learnt);
		});
	}

# Takes up where a controller is. One that was elsewhere before has moved.
function learn_place(place: Place)
	{
	local mac = place$mac;
	local host = place$host;

	if ( mac !in places )
		{
		if ( |places| >= max_assets )
			{
			for ( other in places )
				break;

			delete places[other];
			}

		places[mac] = host;
		return;
		}

	local before = places[mac];
	places[mac] = host;

	if ( before == host || [mac, host] in moves || address_change == "" )
		return;

	if ( |moves| < max_assets )
		{
		add moves[mac, host];
		add moves[mac, before];
		}

	local operation = Operation($ts=place$ts, $uid=place$uid, $id=place$id, $server=host, $protocol=place$protocol,
	    $action=address_change, $object=fmt("%s > %s", before, host));

	if ( place?$client )
		operation$client = place$client;

	operation_at_once(operation);
	}

event controller_placed(place: Place)
	{
	in_order(place$ts, function [place]()
		{
		learn_place(place);
		});
	}

# Hands on where a controller is to where that meets.
function tell_place(place: Place)
	{
	local topic = meeting_topic();

	if ( topic == "" || ! Cluster::publish(topic, controller_placed, place) )
		learn_place(place);
	}

# Hands on what was learnt to where it meets, the same no more than once in a while.
function tell_asset(learnt: Learnt)
	{
	local topic = meeting_topic();

	if ( topic == "" )
		{
		learn_asset(learnt);
		return;
		}

	local what = md5_hash(learnt$facts, learnt?$protocol ? learnt$protocol : "",
	    learnt?$answers_from ? learnt$answers_from : "");

	if ( [learnt$host, what] in told_assets )
		return;

	if ( |told_assets| < max_assets )
		add told_assets[learnt$host, what];

	if ( ! Cluster::publish(topic, asset_learnt, learnt) )
		learn_asset(learnt);
	}

# A response tells where a controller answers.
hook answering(who: Answerer)
	{
	local learnt = Learnt($ts=who$ts, $host=who$host, $source="response", $protocol=who$protocol,
	    $answers_from=cat(who$answers_from));

	if ( who?$mac && controller_macs in who$mac )
		{
		learnt$facts["mac"] = who$mac;
		local place = Place($ts=who$ts, $uid=who$uid, $id=who$id, $mac=who$mac, $host=who$host, $protocol=who$protocol);

		if ( ! is_group(who$client) )
			place$client = who$client;

		tell_place(place);
		}

	tell_asset(learnt);
	}

# An answer may tell what a controller is.
function identify(transaction: Info)
	{
	local answer = transaction$answer;
	local learnt = Learnt($ts=answered_at(transaction), $host=transaction$server, $source=transaction$operation);
	local known = answer$model_code in models;
	local name: string = answer?$target && |answer$target| > 0 ? answer$target : "";

	if ( known )
		{
		local model = models[answer$model_code];

		if ( model$series != "" )
			learnt$facts["series"] = model$series;

		learnt$by_code = name == "" || name == model$name;

		if ( name == "" )
			name = model$name;
		}

	if ( name != "" )
		learnt$facts["model"] = name;

	if ( |learnt$facts| > 0 )
		tell_asset(learnt);
	}

# Takes up what a controller tells of itself or, where it was searched for, of another one.
function take_learnt(transaction: Info)
	{
	local learnt = Learnt($ts=answered_at(transaction), $host=transaction$server, $source=transaction$operation);

	for ( name, value in transaction$answer_more$learnt )
		{
		if ( value == "" )
			next;

		# A device may answer a search for somebody else's address.
		if ( name == "host" )
			{
			if ( is_valid_ip(value) )
				learnt$host = to_addr(value);
			}
		else
			learnt$facts[name] = name == "mac" ? to_lower(value) : value;
		}

	if ( |learnt$facts| > 0 )
		tell_asset(learnt);
	}

hook transaction_done(transaction: Info)
	{
	if ( ! transaction?$answer || ( ! transaction$answer?$model_code && ! transaction?$answer_more ) )
		return;

	if ( ! transaction?$operation || is_refused(transaction) )
		return;

	if ( transaction$answer?$model_code )
		identify(transaction);

	if ( transaction?$answer_more && transaction$answer_more?$learnt )
		take_learnt(transaction);
	}

##! Polling summed up: displays and SCADA systems ask the same some ten times a second, for years.

@load base/frameworks/logging
@load ./info
@load ./pairing

module MELSEC;

export {
	## What becomes of a transaction that equals an earlier one of the same client and server.
	type Polling: enum {
		## A line of its own.
		FULL,
		## A line together with all others of an interval.
		SUMMARY,
		## No line.
		OFF,
	};

	## What becomes of repeated reads: transactions of the classes `polling_classes` that are equal in client, server,
	## protocol, frame, encoding, command, sub-command, target, points and status. The first is always logged, at once.
	option log_polling = FULL;

	## Interval in which repeats are summed up. When a whole one passes without a repeat, the next counts as a first.
	option log_polling_interval = 1min;

	## Classes of commands that are repeated as a rule.
	const polling_classes = { "read", "monitor", "cyclic" } &redef;

	## Different reads that are kept in mind for summing up; beyond it each has a line of its own.
	option max_polls = 20000;
}

# What is asked again and again.
type Poll: record {
	# When the interval began.
	began: time;
	# The line of the first repeat in it.
	line: Info &optional;
	repeats: count &default=0;
	# Over the repeats that were answered.
	answered: count &default=0;
	rtt: interval &default=0sec;
};

# Writes the repeats of an interval as one line.
function sum_up(poll: Poll)
	{
	if ( poll$repeats == 0 )
		return;

	local line = poll$line;
	line$repeats = poll$repeats;

	if ( poll$answered > 0 )
		line$rtt = poll$rtt / poll$answered;

	Log::write(MELSEC::LOG, line);
	}

type PollIndex: record {
	client: addr;
	server: addr;
	layout: string;
	command: string;
	subcommand: string;
	target: string;
	points: count;
	status: string;
};

function poll_expired(polls: table[PollIndex] of Poll, index: PollIndex): interval
	{
	sum_up(polls[index]);
	return 0sec;
	}

global polls: table[PollIndex] of Poll = table() &create_expire=log_polling_interval &expire_func=poll_expired;

# Whether a transaction has no line of its own because it repeats an earlier one.
function is_repeat(line: Info): bool
	{
	if ( ! line?$class || line$class !in polling_classes || ! line?$client || ! line?$server )
		return F;

	local index = PollIndex($client=line$client, $server=line$server, $layout=line$protocol + line$frame + line$encoding,
	    $command=line$command, $subcommand=line?$subcommand ? line$subcommand : "",
	    $target=line?$target ? line$target : "", $points=line?$points ? line$points : 0,
	    $status=line?$status ? line$status : "");
	local now = network_time();

	if ( index !in polls )
		{
		if ( |polls| < max_polls )
			polls[index] = Poll($began=now);
		else
			limit_reached_by(line, "max_polls");

		return F;
		}

	local poll = polls[index];

	if ( now - poll$began >= log_polling_interval )
		{
		# Anew, so that the interval until it is forgotten begins anew as well.
		sum_up(poll);
		poll = Poll($began=now);
		polls[index] = poll;
		}

	++poll$repeats;

	if ( log_polling == OFF )
		return T;

	if ( ! poll?$line )
		{
		# These differ from one repeat to the next.
		delete line$serial;
		delete line$values;
		delete line$asked;
		delete line$answer;
		delete line$asked_more;
		delete line$answer_more;
		poll$line = line;
		}

	if ( line?$rtt )
		{
		++poll$answered;
		poll$rtt += line$rtt;
		}

	return T;
	}

event zeek_done() &priority=-5
	{
	for ( _, poll in polls )
		sum_up(poll);
	}

##! Files of which no worker of a cluster sees all: by way of a group address every block takes a flow of its own.
##!
##! Their blocks are put together where the halves meet. Zeek's file analysis takes data from analyzers alone, so that
##! what it would have found out is found out here: the digests, the type, and the line of files.log. Nothing else of it
##! sees these files (extraction, further analyzers, scripts that handle its events).

@load base/files/hash
@load base/frameworks/files
@load base/utils/site
@load ./info

module MELSEC;

export {
	## Octets of a file that wait for what comes before them; beyond it that is taken for lost.
	option max_waiting_octets = 524288;
}

# A file that is put together.
type Assembly: record {
	line: Files::Info;
	# Up to where all has been dealt with.
	reached: count &default=0;
	# How it begins, as far as that tells the type.
	beginning: string &default="";
	md5: opaque of md5;
	sha256: opaque of sha256;
	# Blocks behind a hole, by where they are.
	waiting: table[count] of string &default=table();
	waiting_octets: count &default=0;
};

# Begins to put a file together, at the half of a transaction that carries its first block.
function begin_assembly(ts: time, uid: string, id: conn_id, is_orig: bool): Assembly
	{
	local line = Files::Info($ts=ts, $fuid=unique_id("F"), $uid=uid, $id=id, $source="MELSEC_UDP", $is_orig=is_orig,
	    $analyzers=set("MD5", "SHA256"));

	if ( |Site::local_nets| > 0 )
		line$local_orig = Site::is_local_addr(is_orig ? id$orig_h : id$resp_h);

	return Assembly($line=line, $md5=md5_hash_init(), $sha256=sha256_hash_init());
	}

# Takes over octets that nothing is missing before.
function append(assembly: Assembly, content: string)
	{
	local line = assembly$line;
	assembly$reached += |content|;
	line$seen_bytes += |content|;

	if ( |assembly$beginning| < default_file_bof_buffer_size )
		assembly$beginning += content[:default_file_bof_buffer_size - |assembly$beginning|];

	# No digest of a file with a hole.
	if ( line$missing_bytes == 0 )
		{
		md5_hash_update(assembly$md5, content);
		sha256_hash_update(assembly$sha256, content);
		}
	}

# Passes over octets that were not seen.
function pass_over(assembly: Assembly, octets: count)
	{
	assembly$line$missing_bytes += octets;
	assembly$reached += octets;
	}

# Takes over what waits, beyond a hole if so wanted; each octet once.
function take_waiting(assembly: Assembly, beyond: bool)
	{
	local places: vector of count;

	for ( place in assembly$waiting )
		places += place;

	sort(places);

	for ( _, place in places )
		{
		if ( place > assembly$reached )
			{
			if ( ! beyond )
				return;

			pass_over(assembly, place - assembly$reached);
			}

		local content = assembly$waiting[place];
		delete assembly$waiting[place];
		assembly$waiting_octets -= |content|;

		if ( place + |content| > assembly$reached )
			append(assembly, content[assembly$reached - place:]);
		}
	}

# Notes when something was heard of a file: what comes first may be told of last.
function heard(assembly: Assembly, ts: time)
	{
	if ( ts - assembly$line$ts > assembly$line$duration )
		assembly$line$duration = ts - assembly$line$ts;
	}

# Takes up a block. Blocks may come in any order, and twice.
function feed(assembly: Assembly, ts: time, block: Block)
	{
	local offset = block$offset;
	local content = block$content;
	heard(assembly, ts);

	if ( offset <= assembly$reached )
		{
		if ( offset + |content| > assembly$reached )
			append(assembly, content[assembly$reached - offset:]);

		if ( |assembly$waiting| > 0 )
			take_waiting(assembly, F);

		return;
		}

	if ( offset in assembly$waiting )
		{
		if ( |assembly$waiting[offset]| >= |content| )
			return;

		assembly$waiting_octets -= |assembly$waiting[offset]|;
		}

	assembly$waiting[offset] = content;
	assembly$waiting_octets += |content|;

	if ( assembly$waiting_octets > max_waiting_octets )
		take_waiting(assembly, T);
	}

# Ends a file, of which the size may be known, and writes down what was found out of it.
function end_assembly(assembly: Assembly, size: count, name: string)
	{
	local line = assembly$line;
	take_waiting(assembly, T);

	if ( size > assembly$reached )
		pass_over(assembly, size - assembly$reached);

	local kind = identify_data(assembly$beginning, T);

	if ( kind != "<unknown>" )
		line$mime_type = kind;

	if ( line$missing_bytes == 0 )
		{
		line$md5 = md5_hash_finish(assembly$md5);
		line$sha256 = sha256_hash_finish(assembly$sha256);
		}

	if ( name != "" )
		line$filename = name;

	Log::write(Files::LOG, line);
	}

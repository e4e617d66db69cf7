##! Files that are read from and written to controllers: one operation each, with what Zeek's file analysis found out.
##!
##! The grammar puts the blocks of a file together and hands them to the file analysis (files.log, extraction). This
##! knows who does what to which file: a file is known by the pointer that the controller gave it, or, in commands that
##! name it every time, by its drive and name.
##!
##! On a cluster the grammar of one worker does not see all of a file that goes by way of a group address: assembly.zeek
##! puts that together.

@load base/files/hash
@load base/frameworks/cluster
@load base/frameworks/files
@load ./types
@load ./consts
@load ./actions
@load ./assembly
@load ./halves
@load ./info
@load ./meanings
@load ./operations
@load ./pairing

module MELSEC;

export {
	## A file on its way from or to a controller.
	type Transfer: record {
		## The operation that it makes.
		operation: Operation;
		## Name with its folders.
		path: string &default="";
		## Whether it is written to the controller.
		download: bool;
		## Pointer of the file, or what every request names.
		name: string &default="";
		## Whether every request names the file.
		named: bool;
		## Size that a file to be written will have.
		size: count &optional;
		## File of Zeek's file analysis.
		fuid: string &optional;
		## What is put together of it here.
		assembly: Assembly &optional;
		## Whether the controller refused something.
		refused: bool &default=F;
		## Time of the last request.
		last: time;
	};

	## Transfers that are remembered; beyond it the one that nothing was heard of for longest ends.
	option max_transfers = 256;
}

# Ends transfers of which nothing was heard any more.
global transfer_expired: function(known: table[string, addr, addr, string] of Transfer, protocol: string, client: addr,
    server: addr, name: string): interval;

# Those on their way, by protocol, client, controller, and pointer or name.
global transfers: table[string, addr, addr, string] of Transfer &read_expire=open_file_timeout
    &expire_func=transfer_expired;

# The same by the file of the file analysis.
global transfers_by_fuid: table[string] of Transfer &write_expire=open_file_timeout;

function get_file_handle(c: connection, is_orig: bool): string
	{
	# The grammar names its files itself.
	return "";
	}

event zeek_init() &priority=5
	{
	Files::register_protocol(Analyzer::ANALYZER_MELSEC_TCP, Files::ProtoRegistration($get_file_handle=get_file_handle));
	Files::register_protocol(Analyzer::ANALYZER_MELSEC_UDP, Files::ProtoRegistration($get_file_handle=get_file_handle));
	}

# Whether a file comes from the grammar.
function is_ours(f: fa_file): bool
	{
	return f$source == "MELSEC_TCP" || f$source == "MELSEC_UDP";
	}

event file_new(f: fa_file)
	{
	if ( ! is_ours(f) )
		return;

	Files::add_analyzer(f, Files::ANALYZER_MD5);
	Files::add_analyzer(f, Files::ANALYZER_SHA256);
	Files::set_timeout_interval(f, open_file_timeout);
	}


# Over a direct connection every exchange is a connection of its own (UDP, another port each time), and files.log has a
# line for each that a file came by: the first stands for all.
event file_over_new_connection(f: fa_file, c: connection, is_orig: bool) &priority=-5
	{
	if ( is_ours(f) && |f$conns| > 1 )
		delete f$conns[c$id];
	}

# The part of a path behind its last folder.
function file_of(path: string): string
	{
	return sub(path, /^.*[\\\/]/, "");
	}

function action_of(path: string, download: bool): string
	{
	local kind = other_files;

	if ( "." in path )
		{
		local extension = to_upper(sub(path, /^.*\./, ""));

		if ( extension in file_kinds )
			kind = file_kinds[extension];
		}

	return download ? kind$download : kind$upload;
	}

# Whether a request is about a file that is transferred. The grammar's record is there and empty where it is not.
function is_transfer(transaction: Info): bool
	{
	return transaction?$asked_more && transaction$asked_more?$transfer && transaction$asked_more$transfer?$step;
	}

# The transfer that a request begins. Only a file that is opened, or that every request names, has a name.
function transfer_of(transaction: Info, download: bool): Transfer
	{
	local note = transaction$asked_more$transfer;
	local path = note?$path && ( note$named || note$step == FileStep_Open ) ? note$path : "";
	local operation = operation_of(transaction, action_of(path, download), file_of(path));
	delete operation$status;
	delete operation$status_name;
	operation$requests = 0;

	if ( note?$drive )
		operation$details = fmt("drive=%d", note$drive);

	begin_operation(operation);
	return Transfer($operation=operation, $path=path, $download=download, $named=note$named, $last=transaction$ts);
	}

# Takes over what the file analysis has found out. It does not know of what has to come behind the last block.
function take_over(transfer: Transfer, f: fa_file)
	{
	local operation = transfer$operation;
	operation$bytes = f$seen_bytes;
	operation$missing_bytes = f$missing_bytes;

	if ( transfer?$size && transfer$size > f$seen_bytes + f$missing_bytes )
		operation$missing_bytes = transfer$size - f$seen_bytes;

	if ( operation$missing_bytes == 0 && f?$info && f$info?$sha256 )
		operation$sha256 = f$info$sha256;
	}

# The transfer is over.
function end_transfer(transfer: Transfer)
	{
	local operation = transfer$operation;

	if ( transfer?$assembly )
		{
		local line = transfer$assembly$line;
		end_assembly(transfer$assembly, transfer?$size ? transfer$size : 0, operation?$object ? operation$object : "");
		operation$bytes = line$seen_bytes;
		operation$missing_bytes = line$missing_bytes;

		if ( line?$sha256 )
			operation$sha256 = line$sha256;
		}

	if ( transfer?$fuid )
		{
		delete transfers_by_fuid[transfer$fuid];

		if ( ! operation?$bytes && Files::file_exists(transfer$fuid) )
			take_over(transfer, Files::lookup_file(transfer$fuid));
		}

	if ( ! operation?$bytes )
		{
		operation$bytes = 0;
		operation$missing_bytes = transfer?$size ? transfer$size : 0;
		}

	finish_operation(operation);
	}

function transfer_expired(known: table[string, addr, addr, string] of Transfer, protocol: string, client: addr,
                          server: addr, name: string): interval
	{
	local transfer = known[protocol, client, server, name];

	if ( transfer?$assembly )
		transfer$assembly$line$timedout = T;

	end_transfer(transfer);
	return 0sec;
	}

function forget_transfer(transfer: Transfer)
	{
	local operation = transfer$operation;
	delete transfers[operation$protocol, operation$client, operation$server, transfer$name];
	end_transfer(transfer);
	}

function remember_transfer(transaction: Info, name: string, transfer: Transfer)
	{
	local client = transaction$client;
	local server = server_of(transaction);
	transfer$name = name;
	transfer$operation$server = server;

	# A pointer that is given again was closed where nobody saw it.
	if ( [transaction$protocol, client, server, name] in transfers )
		forget_transfer(transfers[transaction$protocol, client, server, name]);

	transfers[transaction$protocol, client, server, name] = transfer;

	if ( |transfers| <= max_transfers )
		return;

	local oldest = transfer;

	for ( _, other in transfers )
		{
		if ( other$last < oldest$last )
			oldest = other;
		}

	forget_transfer(oldest);
	}

# Whether a request goes on with a transfer. One that every request names is another after a pause.
function is_going_on(transaction: Info, name: string): bool
	{
	local server = server_of(transaction);

	if ( [transaction$protocol, transaction$client, server, name] !in transfers )
		return F;

	local transfer = transfers[transaction$protocol, transaction$client, server, name];

	if ( transfer$named && transaction$ts - transfer$last >= named_file_timeout )
		{
		forget_transfer(transfer);
		return F;
		}

	transfer$last = transaction$ts;
	return T;
	}

# Ties a transfer to the file that its blocks go to. Those of other nodes are not known here.
function tie(transfer: Transfer, note: FileNote)
	{
	if ( transfer?$fuid || ! note?$fuid || Cluster::local_node_type() == Cluster::PROXY )
		return;

	transfer$fuid = note$fuid;
	transfers_by_fuid[note$fuid] = transfer;

	if ( ! Files::file_exists(note$fuid) )
		return;

	local f = Files::lookup_file(note$fuid);

	if ( transfer$named )
		Files::set_timeout_interval(f, named_file_timeout);

	if ( f?$info && transfer$operation?$object )
		f$info$filename = transfer$operation$object;
	}

# Counts a request. The first end code that refuses stays.
function count_answer(transfer: Transfer, transaction: Info)
	{
	local operation = transfer$operation;
	++operation$requests;

	if ( transfer$refused || ! transaction?$status )
		return;

	transfer$refused = is_refused(transaction);
	operation$status = transaction$status;

	if ( transaction?$status_name )
		operation$status_name = transaction$status_name;
	else
		delete operation$status_name;
	}

# A file is opened. A refusal is an operation, too.
function follow_opening(transaction: Info)
	{
	local note = transaction$asked_more$transfer;
	local transfer = transfer_of(transaction, note$download);

	if ( note?$size )
		transfer$size = note$size;

	count_answer(transfer, transaction);

	if ( ! transfer$refused && transaction?$answer_more && transaction$answer_more?$transfer &&
	     transaction$answer_more$transfer?$name && transaction$answer_more$transfer$name != "" )
		remember_transfer(transaction, transaction$answer_more$transfer$name, transfer);
	else
		end_transfer(transfer);
	}

# Gives a transfer a block that is put together here.
function take_block(transfer: Transfer, ts: time, uid: string, id: conn_id, sender: addr, content: Block)
	{
	if ( |content$content| == 0 )
		return;

	if ( ! transfer?$assembly )
		transfer$assembly = begin_assembly(ts, uid, id, sender == id$orig_h);

	feed(transfer$assembly, ts, content);
	}

# Takes a block that is written by way of a group address. The request names no controller: it belongs to the only file
# that it can be of.
function take_block_of_group(transaction: Info, name: string)
	{
	local fitting = 0;
	local found: Transfer;

	for ( [protocol, client, server, other], transfer in transfers )
		{
		if ( protocol == transaction$protocol && client == transaction$client && other == name && transfer$download )
			{
			++fitting;
			found = transfer;
			}
		}

	if ( fitting == 1 )
		take_block(found, transaction$ts, transaction$uid, transaction$id, transaction$client, transaction$asked_block);
	}

# Blocks that are written are told of as soon as they are on their way, as nobody may answer.
hook request_seen(transaction: Info)
	{
	if ( ! is_transfer(transaction) || transaction$asked_more$transfer$step != FileStep_Write )
		return;

	local note = transaction$asked_more$transfer;

	if ( transaction$group )
		{
		if ( transaction?$asked_block && Cluster::local_node_type() == Cluster::PROXY )
			take_block_of_group(transaction, note$name);

		return;
		}

	if ( ! is_going_on(transaction, note$name) )
		remember_transfer(transaction, note$name, transfer_of(transaction, T));

	tie(transfers[transaction$protocol, transaction$client, server_of(transaction), note$name], note);
	}

hook transaction_done(transaction: Info)
	{
	if ( ! is_transfer(transaction) || transaction?$again )
		return;

	local note = transaction$asked_more$transfer;

	if ( note$step == FileStep_Open )
		{
		follow_opening(transaction);
		return;
		}

	if ( ! is_going_on(transaction, note$name) )
		{
		# The opening was not seen, or there is none. Blocks that are written were seen with their requests.
		if ( note$step == FileStep_Close || ( note$step == FileStep_Write && ! transaction$group ) || ! transaction?$answer )
			return;

		remember_transfer(transaction, note$name, transfer_of(transaction, note$step == FileStep_Write));
		}

	local transfer = transfers[transaction$protocol, transaction$client, server_of(transaction), note$name];
	tie(transfer, note);

	if ( transaction?$answer_more && transaction$answer_more?$transfer )
		tie(transfer, transaction$answer_more$transfer);

	if ( note$step == FileStep_Read && transaction?$asked_block && transaction?$answer_block &&
	     Cluster::local_node_type() == Cluster::PROXY )
		take_block(transfer, answered_at(transaction), transaction$response_uid, transaction$response_id,
		    transaction$server, Block($offset=transaction$asked_block$offset,
		    $content=transaction$answer_block$content));

	count_answer(transfer, transaction);

	if ( note$step != FileStep_Close )
		return;

	# As the file analysis has it, which hears of a file whenever a connection joins it.
	if ( transfer?$assembly && transaction$uid != transfer$assembly$line$uid )
		heard(transfer$assembly, transaction$ts);

	forget_transfer(transfer);
	}

@if ( Cluster::is_enabled() )

# Files that another node puts together.
global files_elsewhere: set[string] &create_expire=open_file_timeout + 1min;

# What the grammar fed of them, where both halves came by here, is no file of its own.
hook handed_over(transaction: Info)
	{
	local fuid = "";

	if ( is_transfer(transaction) && transaction$asked_more$transfer?$fuid )
		fuid = transaction$asked_more$transfer$fuid;

	if ( transaction?$answer_more && transaction$answer_more?$transfer && transaction$answer_more$transfer?$fuid )
		fuid = transaction$answer_more$transfer$fuid;

	if ( fuid == "" )
		return;

	add files_elsewhere[fuid];

	if ( Files::file_exists(fuid) )
		Files::stop(Files::lookup_file(fuid));
	}

hook Files::log_policy(rec: Files::Info, id: Log::ID, filter: Log::Filter)
	{
	if ( rec$fuid in files_elsewhere )
		break;
	}

# Behind the framework, which logs it first.
event file_state_remove(f: fa_file) &priority=-20
	{
	delete files_elsewhere[f$id];
	}

@endif

# Before the file is logged, so that its name is.
event file_state_remove(f: fa_file) &priority=5
	{
	if ( f$id !in transfers_by_fuid )
		return;

	local transfer = transfers_by_fuid[f$id];
	take_over(transfer, f);

	# Nothing else ends it.
	if ( transfer$named )
		forget_transfer(transfer);
	}

event zeek_done()
	{
	for ( _, transfer in transfers )
		end_transfer(transfer);
	}

##! Files that are read from and written to controllers: one operation each, with what Zeek's file analysis found out.
##!
##! The grammar puts the blocks of a file together and hands them to the file analysis (files.log, extraction). This
##! knows who does what to which file: a file is known by the pointer that the controller gave it, or, in commands that
##! name it every time, by its drive and name.

@load base/files/hash
@load base/frameworks/files
@load ./types
@load ./consts
@load ./actions
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
	end_transfer(known[protocol, client, server, name]);
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

# Ties a transfer to the file that its blocks go to.
function tie(transfer: Transfer, note: FileNote)
	{
	if ( transfer?$fuid || ! note?$fuid )
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

# Blocks that are written are told of as soon as they are on their way, as nobody may answer.
hook request_seen(transaction: Info)
	{
	if ( ! is_transfer(transaction) || transaction$asked_more$transfer$step != FileStep_Write || transaction$group )
		return;

	local note = transaction$asked_more$transfer;

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

	count_answer(transfer, transaction);

	if ( note$step == FileStep_Close )
		forget_transfer(transfer);
	}

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

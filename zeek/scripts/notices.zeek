##! Notices: one type per detection of the definition.

@load base/frameworks/notice
@load ./detections
@load ./main

module MELSEC;

export {
	## Detections that are not to be raised.
	option disabled_detections: set[string] = {};

	redef record Notice::Info += {
		## Detection of the definition that raised the notice.
		melsec_detection: string &log &optional;
	};
}

function raise(name: string, transaction: Info, server: addr)
	{
	if ( name in disabled_detections || name !in detections )
		return;

	local detection = detections[name];
	local client = transaction$client;

	NOTICE(Notice::Info($note=detection$note, $msg=fmt("%s: %s to %s", detection$title, client, server),
	    $sub=fmt("%s, severity %s", transaction$operation, detection$severity), $ts=transaction$ts,
	    $uid=transaction$uid, $id=transaction$id, $src=client, $dst=server, $identifier=cat(name, client, server),
	    $suppress_for=detection$suppress, $melsec_detection=name));
	}

function raise_all(names: vector of string, transaction: Info, server: addr)
	{
	for ( _, name in names )
		raise(name, transaction, server);
	}

# At once where the request names the controller; a reset or a stop may never be answered.
hook request_seen(transaction: Info)
	{
	if ( transaction$command_info?$request_detections && ! transaction$group )
		raise_all(transaction$command_info$request_detections, transaction, transaction$server);
	}

hook transaction_done(transaction: Info)
	{
	if ( ! transaction?$asked )
		return;

	local command = transaction$command_info;

	# A broadcast request names no controller: who answered it is known only now.
	if ( transaction$group && command?$request_detections )
		raise_all(command$request_detections, transaction,
		    transaction?$server ? transaction$server : transaction$id$resp_h);

	if ( command?$response_detections && transaction?$answer )
		raise_all(command$response_detections, transaction, transaction$server);
	}

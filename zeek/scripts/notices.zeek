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

function raise(name: string, half: Half, client: addr, server: addr, command: CommandInfo)
	{
	if ( name in disabled_detections || name !in detections )
		return;

	local detection = detections[name];

	NOTICE(Notice::Info($note=detection$note, $msg=fmt("%s: %s to %s", detection$title, client, server),
	    $sub=fmt("%s, severity %s", command$operation, detection$severity), $ts=half$ts, $uid=half$uid, $id=half$id,
	    $src=client, $dst=server, $identifier=cat(name, client, server), $suppress_for=detection$suppress,
	    $melsec_detection=name));
	}

function raise_all(half: Half, client: addr, server: addr)
	{
	local command = command_of(half$pdu);

	if ( ! command?$detections )
		return;

	for ( _, name in command$detections )
		raise(name, half, client, server, command);
	}

# At once where the request names the controller; a reset or a stop may never be answered.
hook request_seen(half: Half)
	{
	if ( ! is_group(half$destination) )
		raise_all(half, half$source, half$destination);
	}

# A broadcast request names no controller: who answered it is known afterwards.
hook transaction_done(transaction: Transaction)
	{
	if ( transaction?$request && is_group(transaction$request$destination) )
		raise_all(transaction$request, transaction$request$source,
		    transaction?$response ? transaction$response$source : transaction$request$destination);
	}

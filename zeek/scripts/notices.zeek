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

function raise_all(names: vector of string, half: Half, client: addr, server: addr, command: CommandInfo)
	{
	for ( _, name in names )
		raise(name, half, client, server, command);
	}

# At once where the request names the controller; a reset or a stop may never be answered.
hook request_seen(half: Half)
	{
	local command = command_of(half$pdu);

	if ( command?$request_detections && ! half$group )
		raise_all(command$request_detections, half, half$source, half$destination, command);
	}

hook transaction_done(transaction: Transaction)
	{
	if ( ! transaction?$request )
		return;

	local asked = transaction$request;
	local command = command_of(asked$pdu);

	# A broadcast request names no controller: who answered it is known only now.
	if ( command?$request_detections && asked$group )
		raise_all(command$request_detections, asked, asked$source,
		    transaction?$response ? transaction$response$source : asked$destination, command);

	if ( command?$response_detections && transaction?$response )
		raise_all(command$response_detections, transaction$response, asked$source, transaction$response$source, command);
	}

# Generated from the melsec-nsm definition by `melsec-nsm generate`. Do not edit.
##! The detections of the definition: a notice type each, and what a notice says.

@load base/frameworks/notice
@load ./types

module MELSEC;

export {
	redef enum Notice::Type += {
		## Much of the device memory of a controller overwritten
		Bulk_Device_Write,
		## Clock of a controller set
		Clock_Set,
		## Two different responses to one request
		Conflicting_Response,
		## Many connections to a MELSEC port of a controller
		Connection_Exhaustion,
		## A host speaks to a controller that is not among its own
		Controller_Not_Allowed,
		## Controller that does not answer any more
		Controller_Silent,
		## Token of another client used
		Credential_Replay,
		## Devices of a controller written
		Device_Write,
		## Many controllers identified by one client
		Discovery_Sweep,
		## Controller left stopped with another program
		Download_Without_Run,
		## Many requests of a client refused by a controller
		Error_Burst,
		## File of a controller deleted
		File_Delete,
		## Privileged request of a client made by hand
		Handmade_Client,
		## A host that the site policy does not know speaks to a controller
		Host_Not_Allowed,
		## Request for nothing, or for more than any controller has
		Impossible_Quantity,
		## IP address of a node set over the network
		Ip_Address_Set,
		## Frame that contradicts itself sent among MELSEC frames
		Malformed_Frame,
		## Two hosts that never spoke to each other do
		New_Conversation,
		## An operation that was never seen between two hosts
		New_Operation,
		## Search for MELSEC nodes on the network
		Node_Search,
		## Program of a controller changed online
		Online_Change,
		## MELSEC in cleartext outside the allowed paths
		Outside_Path,
		## A controller is changed outside every maintenance window
		Outside_Window,
		## Owner of a controller evicted
		Owner_Eviction,
		## Parameters written to a controller
		Parameter_Write,
		## Remote password sent in clear text
		Password_Cleartext,
		## Passwords of a controller guessed
		Password_Guessing,
		## User or port of a controller locked out
		Password_Lockout,
		## Programs or parameters written to a controller
		Program_Download,
		## Programs or parameters read from a controller
		Program_Upload,
		## MELSEC traffic with a public address
		Public_Address,
		## Remote latch clear of a controller
		Remote_Latch_Clear,
		## Remote PAUSE of a controller
		Remote_Pause,
		## Remote RESET of a controller
		Remote_Reset,
		## Remote RUN of a controller
		Remote_Run,
		## Remote STOP of a controller
		Remote_Stop,
		## Controller flooded with requests
		Request_Flood,
		## A host does what its role in the site policy does not allow
		Role_Not_Allowed,
		## Safety operation mode of a controller changed
		Safety_Mode_Change,
		## Probe of a known scanner
		Scanner_Probe,
		## Another request under the serial number of one that waits
		Serial_Reuse,
		## Special relays or registers of a controller written
		System_Device_Write,
		## Type name of a controller read
		Type_Name_Read,
		## A program or parameter that no approved change covers is written
		Unapproved_Program,
		## A controller spoken to on a port that the site policy does not give it
		Unexpected_Port,
		## Command that nobody knows sent to a controller
		Unknown_Command,
		## A controller that the site policy does not know answers
		Unknown_Controller,
		## Response that nobody asked for
		Unsolicited_Response,
		## User records of a controller read
		User_Information_Read,
		## Users of a controller registered
		User_Registration,
		## User names of a controller guessed
		Username_Guessing,
	};

	## Detections by id.
	const detections: table[string] of Detection = {
		["bulk-device-write"] = Detection($note=Bulk_Device_Write, $title="Much of the device memory of a controller overwritten", $severity="high", $attack=vector("T0809", "T0831"), $suppress=300sec),
		["clock-set"] = Detection($note=Clock_Set, $title="Clock of a controller set", $severity="medium", $attack=vector("T0836"), $suppress=300sec),
		["conflicting-response"] = Detection($note=Conflicting_Response, $title="Two different responses to one request", $severity="high", $attack=vector("T0856"), $suppress=300sec),
		["connection-exhaustion"] = Detection($note=Connection_Exhaustion, $title="Many connections to a MELSEC port of a controller", $severity="high", $attack=vector("T0814"), $suppress=300sec, $threshold=Threshold($n=50, $within=10sec, $per=vector("server"))),
		["controller-not-allowed"] = Detection($note=Controller_Not_Allowed, $title="A host speaks to a controller that is not among its own", $severity="medium", $attack=vector("T0846", "T0855"), $suppress=600sec),
		["controller-silent"] = Detection($note=Controller_Silent, $title="Controller that does not answer any more", $severity="critical", $attack=vector("T0816", "T0814"), $suppress=3600sec),
		["credential-replay"] = Detection($note=Credential_Replay, $title="Token of another client used", $severity="critical", $attack=vector("T0859", "T0855"), $suppress=300sec),
		["device-write"] = Detection($note=Device_Write, $title="Devices of a controller written", $severity="informational", $attack=vector("T0855"), $suppress=3600sec),
		["discovery-sweep"] = Detection($note=Discovery_Sweep, $title="Many controllers identified by one client", $severity="medium", $attack=vector("T0846", "T0888"), $suppress=3600sec, $threshold=Threshold($n=5, $within=60sec, $distinct="server", $per=vector("client"))),
		["download-without-run"] = Detection($note=Download_Without_Run, $title="Controller left stopped with another program", $severity="medium", $attack=vector("T0843", "T0816"), $suppress=3600sec),
		["error-burst"] = Detection($note=Error_Burst, $title="Many requests of a client refused by a controller", $severity="medium", $attack=vector("T0888", "T0814"), $suppress=3600sec, $meanings=vector(Meaning($failed=T)), $threshold=Threshold($n=20, $within=10sec, $per=vector("pair"))),
		["file-delete"] = Detection($note=File_Delete, $title="File of a controller deleted", $severity="high", $attack=vector("T0809", "T0872"), $suppress=60sec),
		["handmade-client"] = Detection($note=Handmade_Client, $title="Privileged request of a client made by hand", $severity="high", $attack=vector("T0855", "T0886"), $suppress=300sec, $meanings=vector(Meaning($first=T))),
		["host-not-allowed"] = Detection($note=Host_Not_Allowed, $title="A host that the site policy does not know speaks to a controller", $severity="high", $attack=vector("T0848", "T0855"), $suppress=600sec),
		["impossible-quantity"] = Detection($note=Impossible_Quantity, $title="Request for nothing, or for more than any controller has", $severity="informational", $attack=vector("T0814"), $suppress=300sec),
		["ip-address-set"] = Detection($note=Ip_Address_Set, $title="IP address of a node set over the network", $severity="high", $attack=vector("T0836", "T0814"), $suppress=60sec),
		["malformed-frame"] = Detection($note=Malformed_Frame, $title="Frame that contradicts itself sent among MELSEC frames", $severity="medium", $attack=vector("T0814"), $suppress=300sec),
		["new-conversation"] = Detection($note=New_Conversation, $title="Two hosts that never spoke to each other do", $severity="medium", $attack=vector("T0848", "T0855"), $suppress=600sec),
		["new-operation"] = Detection($note=New_Operation, $title="An operation that was never seen between two hosts", $severity="low", $attack=vector("T0855", "T0836"), $suppress=600sec),
		["node-search"] = Detection($note=Node_Search, $title="Search for MELSEC nodes on the network", $severity="low", $attack=vector("T0846", "T0888"), $suppress=3600sec),
		["online-change"] = Detection($note=Online_Change, $title="Program of a controller changed online", $severity="high", $attack=vector("T0889", "T0821", "T0843"), $suppress=60sec),
		["outside-path"] = Detection($note=Outside_Path, $title="MELSEC in cleartext outside the allowed paths", $severity="high", $attack=vector("T0822", "T0886"), $suppress=600sec),
		["outside-window"] = Detection($note=Outside_Window, $title="A controller is changed outside every maintenance window", $severity="high", $attack=vector("T0843", "T0858"), $suppress=60sec),
		["owner-eviction"] = Detection($note=Owner_Eviction, $title="Owner of a controller evicted", $severity="medium", $attack=vector("T0814"), $suppress=60sec),
		["parameter-write"] = Detection($note=Parameter_Write, $title="Parameters written to a controller", $severity="high", $attack=vector("T0836", "T0843"), $suppress=60sec),
		["password-cleartext"] = Detection($note=Password_Cleartext, $title="Remote password sent in clear text", $severity="medium", $attack=vector("T0842", "T0859"), $suppress=300sec),
		["password-guessing"] = Detection($note=Password_Guessing, $title="Passwords of a controller guessed", $severity="high", $attack=vector("T0859", "T0812"), $suppress=300sec, $meanings=vector(Meaning($statuses=set("password-wrong", "password-wrong-440a", "password-wrong-counted", "password-attempts-exhausted", "user-locked-out", "password-locked-out"))), $threshold=Threshold($n=5, $within=300sec, $per=vector("client", "server"))),
		["password-lockout"] = Detection($note=Password_Lockout, $title="User or port of a controller locked out", $severity="high", $attack=vector("T0814", "T0859"), $suppress=300sec, $meanings=vector(Meaning($statuses=set("password-attempts-exhausted", "user-locked-out", "password-locked-out")))),
		["program-download"] = Detection($note=Program_Download, $title="Programs or parameters written to a controller", $severity="high", $attack=vector("T0843", "T0889"), $suppress=60sec),
		["program-upload"] = Detection($note=Program_Upload, $title="Programs or parameters read from a controller", $severity="informational", $attack=vector("T0845"), $suppress=3600sec),
		["public-address"] = Detection($note=Public_Address, $title="MELSEC traffic with a public address", $severity="critical", $attack=vector("T0883", "T0822"), $suppress=3600sec),
		["remote-latch-clear"] = Detection($note=Remote_Latch_Clear, $title="Remote latch clear of a controller", $severity="high", $attack=vector("T0809", "T0855"), $suppress=60sec),
		["remote-pause"] = Detection($note=Remote_Pause, $title="Remote PAUSE of a controller", $severity="high", $attack=vector("T0858", "T0855"), $suppress=60sec),
		["remote-reset"] = Detection($note=Remote_Reset, $title="Remote RESET of a controller", $severity="high", $attack=vector("T0816", "T0855"), $suppress=60sec),
		["remote-run"] = Detection($note=Remote_Run, $title="Remote RUN of a controller", $severity="high", $attack=vector("T0858", "T0855"), $suppress=60sec),
		["remote-stop"] = Detection($note=Remote_Stop, $title="Remote STOP of a controller", $severity="high", $attack=vector("T0858", "T0816"), $suppress=60sec),
		["request-flood"] = Detection($note=Request_Flood, $title="Controller flooded with requests", $severity="high", $attack=vector("T0814"), $suppress=300sec, $threshold=Threshold($n=1500, $within=1sec, $fixed=T, $per=vector("pair"))),
		["role-not-allowed"] = Detection($note=Role_Not_Allowed, $title="A host does what its role in the site policy does not allow", $severity="high", $attack=vector("T0855", "T0859"), $suppress=300sec),
		["safety-mode-change"] = Detection($note=Safety_Mode_Change, $title="Safety operation mode of a controller changed", $severity="critical", $attack=vector("T0858", "T0836"), $suppress=60sec),
		["scanner-probe"] = Detection($note=Scanner_Probe, $title="Probe of a known scanner", $severity="medium", $attack=vector("T0846", "T0888"), $suppress=3600sec, $meanings=vector(Meaning($operations=set("read-type-name"), $protocols=set("melsoft"), $frames=set(5), $fields=table(["variant"] = 0x0, ["counter"] = 0x0, ["network"] = 0x0, ["station"] = 0xff, ["module_io"] = 0x3ff, ["source_module_io"] = 0x3fe, ["flags"] = 0x8, ["serial"] = 0x1, ["size"] = 0x0, ["selector"] = 0x100)), Meaning($operations=set("challenge-controller"), $fields=table(["index"] = 0x8, ["challenge"] = 0x54067dc9)))),
		["serial-reuse"] = Detection($note=Serial_Reuse, $title="Another request under the serial number of one that waits", $severity="medium", $attack=vector("T0855", "T0848"), $suppress=300sec),
		["system-device-write"] = Detection($note=System_Device_Write, $title="Special relays or registers of a controller written", $severity="medium", $attack=vector("T0836", "T0855"), $suppress=300sec, $meanings=vector(Meaning($devices=/(^|[,\\])(SM|SD)[0-9]/))),
		["type-name-read"] = Detection($note=Type_Name_Read, $title="Type name of a controller read", $severity="informational", $attack=vector("T0888"), $suppress=3600sec),
		["unapproved-program"] = Detection($note=Unapproved_Program, $title="A program or parameter that no approved change covers is written", $severity="critical", $attack=vector("T0843", "T0889"), $suppress=60sec),
		["unexpected-port"] = Detection($note=Unexpected_Port, $title="A controller spoken to on a port that the site policy does not give it", $severity="medium", $attack=vector("T0886"), $suppress=3600sec),
		["unknown-command"] = Detection($note=Unknown_Command, $title="Command that nobody knows sent to a controller", $severity="informational", $attack=vector("T0855"), $suppress=3600sec),
		["unknown-controller"] = Detection($note=Unknown_Controller, $title="A controller that the site policy does not know answers", $severity="medium", $attack=vector("T0848"), $suppress=3600sec),
		["unsolicited-response"] = Detection($note=Unsolicited_Response, $title="Response that nobody asked for", $severity="medium", $attack=vector("T0856"), $suppress=3600sec),
		["user-information-read"] = Detection($note=User_Information_Read, $title="User records of a controller read", $severity="medium", $attack=vector("T0859", "T0888"), $suppress=300sec),
		["user-registration"] = Detection($note=User_Registration, $title="Users of a controller registered", $severity="high", $attack=vector("T0892", "T0859"), $suppress=300sec),
		["username-guessing"] = Detection($note=Username_Guessing, $title="User names of a controller guessed", $severity="high", $attack=vector("T0859"), $suppress=300sec, $meanings=vector(Meaning($statuses=set("user-unknown"))), $threshold=Threshold($n=3, $within=60sec, $distinct="user", $per=vector("client", "server"))),
	};

	## Detections that an engineering operation raises, by its name.
	const action_detections: table[string] of vector of string = {
		["memory-overwrite"] = vector("bulk-device-write"),
		["online-change"] = vector("online-change"),
		["parameter-write"] = vector("parameter-write", "program-download"),
		["program-download"] = vector("program-download"),
		["program-upload"] = vector("program-upload"),
		["parameter-read"] = vector("program-upload"),
	};

	## Detections that an event raises, by its name.
	const event_detections: table[string] of vector of string = {
		["conflicting-response"] = vector("conflicting-response"),
		["connection"] = vector("connection-exhaustion"),
		["silence"] = vector("controller-silent"),
		["left-stopped"] = vector("download-without-run"),
		["impossible-quantity"] = vector("impossible-quantity"),
		["malformed-frame"] = vector("malformed-frame"),
		["serial-reuse"] = vector("serial-reuse"),
		["unsolicited-response"] = vector("unsolicited-response"),
	};

	## Detections that a violation of the policy of the site raises, by its name.
	const policy_detections: table[string] of vector of string = {
		["controller-not-allowed"] = vector("controller-not-allowed"),
		["host-not-allowed"] = vector("host-not-allowed"),
		["new-conversation"] = vector("new-conversation"),
		["new-operation"] = vector("new-operation"),
		["outside-path"] = vector("outside-path"),
		["outside-window"] = vector("outside-window"),
		["public-address"] = vector("public-address"),
		["role-not-allowed"] = vector("role-not-allowed"),
		["unapproved-program"] = vector("unapproved-program"),
		["unexpected-port"] = vector("unexpected-port"),
		["unknown-controller"] = vector("unknown-controller"),
	};

	## Detections after which a controller may fall silent.
	const dangerous_detections: set[string] = set("malformed-frame", "request-flood", "connection-exhaustion", "error-burst");

	redef unknown_request_detections = vector("request-flood", "unknown-command");

	redef unknown_response_detections = vector();

	redef unknown_refused_detections = vector("error-burst");

	## Detections that a request raises with a token of another client.
	const replay_detections: vector of string = vector("credential-replay");

	## The longest time in which a detection counts.
	const longest_count = 300sec;

}

# Generated from the melsec-nsm definition by `melsec-nsm generate`. Do not edit.
##! Engineering operations that transactions make.

@load ./types

module MELSEC;

export {
	## Operations by their names.
	const actions: table[string] of Action = {
		["connect"] = Action($name="connect", $each=SESSION, $idle=300sec),
		["owner-claim"] = Action($name="owner-claim"),
		["owner-release"] = Action($name="owner-release", $by_field=T),
		["login"] = Action($name="login", $failed="login-failed"),
		["unlock"] = Action($name="unlock", $failed="unlock-failed"),
		["lock"] = Action($name="lock"),
		["user-read"] = Action($name="user-read"),
		["user-add"] = Action($name="user-add", $known="user-change", $each=USER),
		["remote-run"] = Action($name="remote-run"),
		["remote-stop"] = Action($name="remote-stop"),
		["remote-pause"] = Action($name="remote-pause"),
		["remote-latch-clear"] = Action($name="remote-latch-clear"),
		["remote-reset"] = Action($name="remote-reset"),
		["safety-mode-change"] = Action($name="safety-mode-change", $by_field=T),
		["clock-set"] = Action($name="clock-set"),
		["file-create"] = Action($name="file-create"),
		["file-delete"] = Action($name="file-delete"),
		["file-copy"] = Action($name="file-copy"),
		["file-change"] = Action($name="file-change"),
		["file-lock"] = Action($name="file-lock"),
		["drive-defragment"] = Action($name="drive-defragment"),
		["online-change"] = Action($name="online-change", $idle=60sec),
		["online-monitoring"] = Action($name="online-monitoring", $idle=10sec, $within=10sec, $requests=10, $meaning=Meaning($fields=table(["source_module_io"] = 0x3fe))),
		["memory-overwrite"] = Action($name="memory-overwrite", $idle=60sec, $within=60sec, $points=2048),
		["device-sweep"] = Action($name="device-sweep", $idle=60sec, $within=60sec, $devices=12),
		["address-set"] = Action($name="address-set"),
	};

	## Classes of the commands that an operation consists of, by its name.
	const action_classes: table[string] of set[string] = {
		["program-upload"] = set("file"),
		["program-download"] = set("file"),
		["parameter-read"] = set("file"),
		["parameter-write"] = set("file"),
		["file-read"] = set("file"),
		["file-write"] = set("file"),
		["connect"] = set("identify"),
		["owner-claim"] = set("session"),
		["owner-release"] = set("session"),
		["login"] = set("authenticate"),
		["login-failed"] = set("authenticate"),
		["unlock"] = set("authenticate"),
		["unlock-failed"] = set("authenticate"),
		["lock"] = set("authenticate"),
		["user-read"] = set("authenticate"),
		["user-add"] = set("authenticate"),
		["user-change"] = set("authenticate"),
		["remote-run"] = set("control"),
		["remote-stop"] = set("control"),
		["remote-pause"] = set("control"),
		["remote-latch-clear"] = set("control"),
		["remote-reset"] = set("control"),
		["safety-mode-change"] = set("control"),
		["clock-set"] = set("configure"),
		["file-create"] = set("file"),
		["file-delete"] = set("file"),
		["file-copy"] = set("file"),
		["file-change"] = set("file"),
		["file-lock"] = set("file"),
		["drive-defragment"] = set("file"),
		["online-change"] = set("file", "memory"),
		["online-monitoring"] = set("monitor"),
		["memory-overwrite"] = set("write"),
		["device-sweep"] = set("read"),
		["address-set"] = set("configure"),
	};

	## The operation that a controller makes of which the address changes; empty where there is none.
	const address_change = "address-change";

	## The operations that the transfer of a file makes, by the extension of its name.
	const file_kinds: table[string] of FileKind = {
		["PRG"] = FileKind($upload="program-upload", $download="program-download"),
		["PFB"] = FileKind($upload="program-upload", $download="program-download"),
		["QPG"] = FileKind($upload="program-upload", $download="program-download"),
		["IFG"] = FileKind($upload="program-upload", $download="program-download"),
		["DCM"] = FileKind($upload="program-upload", $download="program-download"),
		["CAB"] = FileKind($upload="program-upload", $download="program-download"),
		["SYP"] = FileKind($upload="program-upload", $download="program-download"),
		["QCD"] = FileKind($upload="program-upload", $download="program-download"),
		["QDI"] = FileKind($upload="program-upload", $download="program-download"),
		["PRM"] = FileKind($upload="parameter-read", $download="parameter-write"),
		["QPA"] = FileKind($upload="parameter-read", $download="parameter-write"),
	};

	## The same for all other files.
	const other_files = FileKind($upload="file-read", $download="file-write");
}

# Generated from the melsec-nsm definition by `melsec-nsm generate`. Do not edit.
##! The detections of the definition: a notice type each, and what a notice says.

@load base/frameworks/notice
@load ./types

module MELSEC;

export {
	redef enum Notice::Type += {
		## Devices of a controller written
		Device_Write,
		## Owner of a controller evicted
		Owner_Eviction,
		## Remote password sent in clear text
		Password_Cleartext,
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
		## Safety operation mode of a controller changed
		Safety_Mode_Change,
		## Type name of a controller read
		Type_Name_Read,
		## User records of a controller read
		User_Information_Read,
		## Users of a controller registered
		User_Registration,
	};

	## Detections by id.
	const detections: table[string] of Detection = {
		["device-write"] = Detection($note=Device_Write, $title="Devices of a controller written", $severity="informational", $suppress=3600sec),
		["owner-eviction"] = Detection($note=Owner_Eviction, $title="Owner of a controller evicted", $severity="medium", $suppress=60sec),
		["password-cleartext"] = Detection($note=Password_Cleartext, $title="Remote password sent in clear text", $severity="medium", $suppress=300sec),
		["remote-latch-clear"] = Detection($note=Remote_Latch_Clear, $title="Remote latch clear of a controller", $severity="high", $suppress=60sec),
		["remote-pause"] = Detection($note=Remote_Pause, $title="Remote PAUSE of a controller", $severity="high", $suppress=60sec),
		["remote-reset"] = Detection($note=Remote_Reset, $title="Remote RESET of a controller", $severity="high", $suppress=60sec),
		["remote-run"] = Detection($note=Remote_Run, $title="Remote RUN of a controller", $severity="high", $suppress=60sec),
		["remote-stop"] = Detection($note=Remote_Stop, $title="Remote STOP of a controller", $severity="high", $suppress=60sec),
		["safety-mode-change"] = Detection($note=Safety_Mode_Change, $title="Safety operation mode of a controller changed", $severity="critical", $suppress=60sec),
		["type-name-read"] = Detection($note=Type_Name_Read, $title="Type name of a controller read", $severity="informational", $suppress=3600sec),
		["user-information-read"] = Detection($note=User_Information_Read, $title="User records of a controller read", $severity="medium", $suppress=300sec),
		["user-registration"] = Detection($note=User_Registration, $title="Users of a controller registered", $severity="high", $suppress=300sec),
	};

}

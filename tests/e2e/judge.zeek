@load base/frameworks/input
module Judging;
export { const requests = "" &redef; }
type Asked: record { n: count; ts: double; client: addr &optional; server: addr &optional; server_port: string; classes: set[string]; answered: bool; action: string; file_name: string &optional; sha256: string &optional; };
event Judging::asked(d: Input::EventDescription, t: Input::Event, a: Asked)
	{
	local r = MELSEC::PolicyRequest($ts=double_to_time(a$ts), $server_port=a$server_port, $classes=a$classes, $answered=a$answered, $action=a$action);
	if ( a?$client ) r$client = a$client;
	if ( a?$server ) r$server = a$server;
	if ( a?$file_name ) r$file_name = a$file_name;
	if ( a?$sha256 ) r$sha256 = a$sha256;
	local v = MELSEC::judge(MELSEC::site_policy(), r);
	print cat_sep("|", "", a$n, join_string_vec(v$violations, ","), v$role, v$window, v$change);
	}
hook MELSEC::policy_changed(p: MELSEC::Policy)
	{
	Input::add_event(Input::EventDescription($source=requests, $name="requests", $fields=Asked, $ev=asked));
	}
event Input::end_of_data(name: string, source: string)
	{
	if ( name == "requests" ) terminate();
	}

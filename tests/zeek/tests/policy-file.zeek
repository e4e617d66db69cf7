# @TEST-DOC: A policy comes into force while Zeek runs; of one that is not whole nothing does, and the one before stays.
#
# @TEST-EXEC: zeek -b ${PACKAGE}/policy-file.zeek %INPUT
# @TEST-EXEC: btest-diff told
# @TEST-EXEC: for file in missing empty garbage; do zeek -b -C -r ${PCAPS}/slmp-3e-poll.pcap ${PACKAGE}/policy-file.zeek base/protocols/conn MELSEC::policy_file=$file.tsv 2>> warnings || exit 1; test -s conn.log && rm conn.log || exit 1; done
# @TEST-EXEC: grep -c "there is no policy missing.tsv" warnings
# @TEST-EXEC: zeek -b -C -r ${PCAPS}/slmp-3e-poll.pcap ${PACKAGE}/policy-file.zeek before.zeek > at-first && btest-diff at-first

@TEST-START-FILE empty.tsv
@TEST-END-FILE

@TEST-START-FILE garbage.tsv
no table at all
@TEST-END-FILE

@TEST-START-FILE one.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	one	(empty)	(empty)	(empty)	1,2
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
@TEST-END-FILE

@TEST-START-FILE cut.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	cut	(empty)	(empty)	(empty)	1,3
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
@TEST-END-FILE

@TEST-START-FILE unreadable.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	unreadable	(empty)	(empty)	(empty)	1,2
zone	plc-net	nowhere	(empty)	(empty)	(empty)
@TEST-END-FILE

@TEST-START-FILE other-format.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	other-format	(empty)	(empty)	(empty)	2,2
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
@TEST-END-FILE

@TEST-START-FILE two.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	two	(empty)	(empty)	(empty)	1,3
zone	plc-net	192.168.4.0/24	(empty)	(empty)	(empty)
path		(empty)	plc-net,plc-net	(empty)	(empty)
@TEST-END-FILE

@TEST-START-FILE before.zeek
# Packets of a capture wait for the policy.
redef MELSEC::policy_file = "one.tsv";

event new_connection(c: connection)
	{
	print MELSEC::has_policy(), MELSEC::site_policy()$site;
	}
@TEST-END-FILE

@load base/frameworks/reporter


redef exit_only_after_terminate = T;
redef MELSEC::policy_file = "site.tsv";

global files = vector("one", "cut", "unreadable", "other-format", "two");
global next_file = 0;
global out = open("told");

function replace_file()
	{
	if ( next_file == |files| )
		{
		terminate();
		return;
		}

	# By rename, as `melsec-nsm policy compile` does.
	system(fmt("cp %s.tsv .new && mv .new site.tsv", files[next_file]));
	++next_file;
	}

event zeek_init() &priority=10
	{
	replace_file();
	# The script looks for the file next; wait for it.
	while ( file_size("site.tsv") < 0 )
		;
	}

hook MELSEC::policy_changed(policy: MELSEC::Policy)
	{
	print out, fmt("in force: %s, zones %s", policy$site, policy$zones);
	replace_file();
	}

event reporter_warning(t: time, msg: string, location: string)
	{
	if ( /not whole/ !in msg )
		return;

	print out, fmt("%s; site %s", msg, MELSEC::site_policy()$site);
	replace_file();
	}

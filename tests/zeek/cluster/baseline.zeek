# @TEST-DOC: What one worker has seen while it learned is usual for the other one.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/slmp-3e-many-connections.pcap "tcp portrange 49152-49171" "tcp portrange 49172-49300" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec notice weird > same && btest-diff same

@TEST-START-FILE site.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	press-shop	(empty)	(empty)	(empty)	1,8
clock		(empty)	(empty)	(empty)	946684800,32400
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
path		(empty)	plc-net,plc-net	(empty)	(empty)
role	all	(empty)	read,monitor,session,identify	(empty)	(empty)
controller	press-1	192.168.3.250/32	(empty)	(empty)	(empty)
host	all	192.168.3.0/25	all	press-1	0
baseline		(empty)	(empty)	(empty)	1767225610
@TEST-END-FILE

redef MELSEC::policy_file = "../site.tsv";

# @TEST-DOC: Who answered a broadcast is judged by the policy of the site, which every node reads.
#
# @TEST-PORT: MANAGER_PORT
# @TEST-PORT: PROXY_PORT
# @TEST-PORT: WORKER_1_PORT
# @TEST-PORT: WORKER_2_PORT
# @TEST-EXEC: ${SCRIPTS}/cluster ${PCAPS}/melsoft-udp-remote-stop.pcap "src host 192.168.3.18" "src host 192.168.3.250" %INPUT
# @TEST-EXEC: ${SCRIPTS}/same-logs melsec melsec_engineering melsec_assets notice weird > same && btest-diff same
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="src dst melsec_detection" manager/notice.log > notice.cut && btest-diff notice.cut

@TEST-START-FILE site.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	press-shop	(empty)	(empty)	(empty)	1,9
needs		(empty)	remote-stop	program-download	(empty)
clock		(empty)	(empty)	(empty)	946684800,32400
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
path		(empty)	plc-net,plc-net	(empty)	(empty)
role	hmi	(empty)	read,monitor,session,identify	(empty)	(empty)
controller	press-1	192.168.3.250/32	(empty)	(empty)	(empty)
host	eng-ws-1	192.168.3.18/32	hmi	press-1	0
window	sunday	(empty)	press-1	remote-stop	0,9007199254740992,8640,10080
@TEST-END-FILE

redef MELSEC::policy_file = "../site.tsv";

# @TEST-DOC: What the policy of the site says: notices, and columns of the audit trail.
#
# @TEST-EXEC: zeek -b -C -r ${PCAPS}/slmp-3e-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note src dst sub melsec_detection melsec_severity" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="client server action role window change verdict" melsec_engineering.log > engineering.cut && btest-diff engineering.cut

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
host	eng-ws-1	192.168.3.0/26	hmi	press-1	0
window	sunday	(empty)	press-1	remote-stop	0,9007199254740992,8640,10080
@TEST-END-FILE

redef MELSEC::policy_file = "site.tsv";

# @TEST-DOC: What was not seen while the sensor learned, and what the policy does not name, is new.
#
# @TEST-EXEC: zeek -b -C -r ${PCAPS}/site-panel.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note src dst sub" notice.log > notice.cut && btest-diff notice.cut

@TEST-START-FILE site.tsv
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#fields	kind	name	nets	words	others	numbers
policy	press-shop	(empty)	(empty)	(empty)	1,9
clock		(empty)	(empty)	(empty)	946684800,32400
zone	plc-net	192.168.3.0/24	(empty)	(empty)	(empty)
path		(empty)	plc-net,plc-net	(empty)	(empty)
role	all	(empty)	read,monitor,session,identify	(empty)	(empty)
controller	press-1	192.168.3.250/32	(empty)	(empty)	(empty)
host	all	192.168.3.0/25	all	press-1	0
baseline		(empty)	(empty)	(empty)	1767225660
usual	read-devices	192.168.3.66/32,192.168.3.250/32	D	(empty)	0,100,111
@TEST-END-FILE

redef MELSEC::policy_file = "site.tsv";

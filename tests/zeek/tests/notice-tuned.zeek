# @TEST-DOC: Detections are not raised for clients that are excepted, and count as far as they are told to.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT 2> told
# @TEST-EXEC: test ! -f notice.log
# @TEST-EXEC: sed -e 's/.*MELSEC/MELSEC/' told | sort > warnings && btest-diff warnings
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-password-guessing.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT 2> /dev/null
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note melsec_detection melsec_severity melsec_attack" notice.log > below.cut && btest-diff below.cut
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} MELSEC::excepted_clients='{ ["remote-stop"] = set(192.168.4.0/24) }'
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="note melsec_detection melsec_severity melsec_attack" notice.log > others.cut && btest-diff others.cut

redef MELSEC::excepted_clients += { ["remote-stop"] = set(192.168.3.0/24) };
redef MELSEC::threshold_counts += { ["password-guessing"] = 100, ["remote-run"] = 2, ["no-such"] = 1 };

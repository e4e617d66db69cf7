# @TEST-DOC: A client claims a controller and evicts its owner: the object is a field of its own.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-udp-session.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="ts uid client server protocol action object details bytes missing_bytes sha256 status status_name user requests" melsec_engineering.log > melsec_engineering.cut && btest-diff melsec_engineering.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

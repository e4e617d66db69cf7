# @TEST-DOC: Refusals are counted, whatever was asked.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-error-burst.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid note msg sub src dst melsec_detection" notice.log > notice.cut && btest-diff notice.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

# @TEST-DOC: A keep-alive answer of MQTT has the sub-header of a 3E response, and is none.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/foreign-mqtt.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

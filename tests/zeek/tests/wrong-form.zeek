# @TEST-DOC: Device points in the form of Q behind a sub-command of iQ-R.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-wrong-form.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="protocol frame encoding serial command subcommand operation target details points status request_len response_len" melsec.log > melsec.cut && btest-diff melsec.cut
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="uid service history" conn.log > conn.cut && btest-diff conn.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

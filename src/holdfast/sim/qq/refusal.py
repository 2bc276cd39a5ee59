"""How the simulated platform says no: the codes of the official tables, with their words."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """A request was not taken. `err_code` is the more precise of the two numbers."""

    def __init__(self, code: int, status: int = 400, words: str = "", err_code: int = 0) -> None:
        super().__init__(code, status)
        self.code = code
        self.status = status
        self.err_code = err_code or code
        self.words = words or WORDS.get(code, "请求失败")


WORDS: Mapping[int, str] = {
    11241: "缺少 token",
    11243: "token 错误",
    11244: "token not exist or expire",
    11245: "token 鉴权方式已停用",
    11298: "接口访问源IP不在白名单",
    22006: "消息类型与内容不符",
    50002: "请求频率过高",
    50006: "消息为空",
    50059: "输入参数错误",
    304003: "url not allowed",
    304018: "机器人没有连上 gateway",
    304080: "file info 无效",
    40007: "已经提交的消息内容不可修改",
    40034005: "msg_id 已过期",
    40034011: "markdown 内容无效",
    40034012: "不允许发送原生 markdown",
    40034024: "msg_id 无效",
    40034025: "event_id 无效",
    40034026: "event_id 已过期",
    40034027: "该事件不支持回复",
    40034029: "按钮行列数超限",
    40034100: "主动消息频率超限",
    40034101: "机器人不在群内",
    40034105: "主动消息失败, 无权限",
    40034128: "被动消息超过时间或次数限制",
    40054002: "机器人被禁言",
    40054003: "机器人不是群成员",
    40054004: "没有好友关系",
    40054005: "消息被去重，请检查请求msgseq",
    40054007: "消息过长",
    40054013: "用户拒收主动消息",
    40054015: "分片过多",
    40054018: "消息超长或异常",
    40064004: "撤回时间已过",
    40093001: "分片尚未就绪",
    40061001: "消息不存在",
    850019: "富媒体格式不支持",
    850026: "富媒体文件下载失败",
    850031: "富媒体文件过大",
}

PREFIX_CHANGED = Refused(40007, 404, err_code=40113003)
